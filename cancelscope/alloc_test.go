//go:build !race

package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
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
	fail := errors.New("failed")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx.Done()
	nothing := func(context.Context) error { return nil }

	check("Run", 1, func() { new(cancelscope.Scope).Run(ctx, nothing) })
	check("Run with a timeout", 1, func() {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		s.Run(ctx, nothing)
	})
	check("Run with a look at Done", 9, func() {
		new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error { ctx.Done(); return nil })
	})
	check("Run that fails", 1, func() { new(cancelscope.Scope).Run(ctx, func(context.Context) error { return fail }) })
	check("Run that is cancelled and absorbs", 2, func() {
		var s cancelscope.Scope
		s.Run(ctx, func(ctx context.Context) error { s.Cancel(nil); return ctx.Err() })
	})
	check("Shield", 1, func() { cancelscope.Shield(ctx, time.Hour, nothing) })

	s := cancelscope.Scope{Extendable: true}
	s.Run(ctx, func(ctx context.Context) error {
		ctx.Done()
		s.SetTimeout(time.Hour)
		check("Err", 0, func() { ctx.Err() })
		check("Done", 0, func() { ctx.Done() })
		check("Deadline", 0, func() { ctx.Deadline() })
		check("Value", 0, func() { ctx.Value(t) })
		check("Cause", 0, func() { context.Cause(ctx) })
		check("SetDeadline", 0, func() { s.SetTimeout(2 * time.Hour) })
		check("CancelCalled", 0, func() { s.CancelCalled() })
		check("SetShield", 0, func() { s.SetShield(true); s.SetShield(false) })
		check("Run inside", 1, func() { new(cancelscope.Scope).Run(ctx, nothing) })
		check("WithCancel", 2, func() { _, cancel := context.WithCancel(ctx); cancel() })
		check("Split of nothing", 0, func() { cancelscope.Split(ctx, fail) })
		return nil
	})
}
