package interp_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/temporal/internal/live"
)

func TestMain(m *testing.M) {
	live.AsWorker(runWorker) // does not return in a worker process
	goleak.VerifyTestMain(m)
}
