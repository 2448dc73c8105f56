package scopeescape_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/scopeescape"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFound(t *testing.T) { fixture.Run(t, scopeescape.Analyzer, "scopeescape/keep", "scopeescape") }

func TestNotFound(t *testing.T) { fixture.Run(t, scopeescape.Analyzer, "scopeescapeok") }
