package notready_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/notready"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, notready.Analyzer, "notready") }

func TestNotFound(t *testing.T) { fixture.Run(t, notready.Analyzer, "notreadyok") }
