package swallow_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/swallow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, swallow.Analyzer, "swallow") }

func TestNotFound(t *testing.T) { fixture.Run(t, swallow.Analyzer, "swallowok") }
