package nursery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// TestStartMovesFromUnderDeadline has a task move away from the earlier deadline of its
// caller, out of a scope with a deadline of its own whose Done has been asked for before.
func TestStartMovesFromUnderDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var caller, own cancelscope.Scope
		caller.SetTimeout(1 * time.Second)
		own.SetTimeout(2 * time.Second)
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			return caller.Run(ctx, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, "mover", func(ctx context.Context, started func(int)) error {
					return own.Run(ctx, func(ctx context.Context) error {
						done := ctx.Done()
						started(1)
						<-done
						return ctx.Err()
					})
				})
				return err
			})
		})
		if took := time.Since(begin); err != nil || took != 2*time.Second || !own.CanceledCaught() {
			t.Errorf("Run(…) = %v after %v, caught %v; want nil after 2s, caught", err, took, own.CanceledCaught())
		}
	})
}
