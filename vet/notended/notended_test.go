package notended_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/notended"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, notended.Analyzer, "notended") }

func TestNotFound(t *testing.T) { fixture.Run(t, notended.Analyzer, "notendedok") }
