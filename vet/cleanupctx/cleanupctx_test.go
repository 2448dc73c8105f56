package cleanupctx_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/cleanupctx"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, cleanupctx.Analyzer, "cleanupctx") }

func TestNotFound(t *testing.T) { fixture.Run(t, cleanupctx.Analyzer, "cleanupctxok") }
