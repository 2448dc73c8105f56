package uncancelable_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/uncancelable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, uncancelable.Analyzer, "uncancelable") }

func TestNotFound(t *testing.T) { fixture.Run(t, uncancelable.Analyzer, "uncancelableok") }
