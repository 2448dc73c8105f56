package causelost_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/causelost"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, causelost.Analyzer, "causelost") }

func TestNotFound(t *testing.T) { fixture.Run(t, causelost.Analyzer, "causelostok") }
