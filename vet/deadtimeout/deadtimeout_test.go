package deadtimeout_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/deadtimeout"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, deadtimeout.Analyzer, "deadtimeout") }

func TestNotFound(t *testing.T) { fixture.Run(t, deadtimeout.Analyzer, "deadtimeoutok") }
