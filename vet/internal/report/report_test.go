package report_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/baregoroutine"
	"github.com/trellis-go/trellis/vet/internal/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The reports of one analyzer stand for those of all.
func TestDroppedReports(t *testing.T) { fixture.Run(t, baregoroutine.Analyzer, "report") }
