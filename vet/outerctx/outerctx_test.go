package outerctx_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/outerctx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Fix(t, outerctx.Analyzer, "outerctx") }

func TestNotFound(t *testing.T) { fixture.Run(t, outerctx.Analyzer, "outerctxok") }
