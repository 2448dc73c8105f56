package earlyclose_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/earlyclose"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, earlyclose.Analyzer, "earlyclose") }

func TestNotFound(t *testing.T) { fixture.Run(t, earlyclose.Analyzer, "earlycloseok") }
