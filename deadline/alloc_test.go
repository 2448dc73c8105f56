//go:build !race

package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// What an entry point may allocate at most. The race detector allocates on its own.
func TestAllocations(t *testing.T) {
	check := func(name string, most float64, f func()) {
		if got := testing.AllocsPerRun(200, f); got > most {
			t.Errorf("%s: %v allocations, want at most %v", name, got, most)
		} else {
			t.Logf("%s: %v of %v", name, got, most)
		}
	}
	nothing := func(context.Context) error { return nil }
	far := time.Now().Add(time.Hour)
	new(cancelscope.Scope).Run(context.Background(), func(ctx context.Context) error {
		ctx.Done()
		check("MoveOnAfter", 1, func() { deadline.MoveOnAfter(ctx, time.Hour, nothing) })
		check("MoveOnAt", 1, func() { deadline.MoveOnAt(ctx, far, nothing) })
		check("FailAfter", 1, func() { deadline.FailAfter(ctx, time.Hour, nothing) })
		check("FailAt", 1, func() { deadline.FailAt(ctx, far, nothing) })
		check("Effective", 0, func() { deadline.Effective(ctx) })
		check("Sleep of zero", 0, func() { deadline.Sleep(ctx, 0) })
		check("Sleep", 3, func() { deadline.Sleep(ctx, 1) })
		return nil
	})
}
