package baregoroutine_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/baregoroutine"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, baregoroutine.Analyzer, "baregoroutine") }

func TestNotFound(t *testing.T) { fixture.Run(t, baregoroutine.Analyzer, "baregoroutineok") }
