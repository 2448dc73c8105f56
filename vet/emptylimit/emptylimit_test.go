package emptylimit_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/emptylimit"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Fix(t, emptylimit.Analyzer, "emptylimit") }

func TestNotFound(t *testing.T) { fixture.Run(t, emptylimit.Analyzer, "emptylimitok") }
