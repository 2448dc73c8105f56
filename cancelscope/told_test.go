package cancelscope_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// Told waits for whoever is telling the scopes inside, and Fail does not: it would wait
// here for ever.
func TestTold(t *testing.T) {
	var s, inner cancelscope.Scope
	s.SetTimeout(time.Hour)
	s.Run(t.Context(), func(outer context.Context) error {
		outer.Done()
		return inner.Run(outer, func(ctx context.Context) error {
			told := make(chan error)
			undo := cancelscope.OnTimerStopped(func() {
				// The scope is canceled and locked, and the inner one does not know yet.
				go func() {
					outer.(tree.Node).Told()
					told <- ctx.Err()
				}()
				failed := make(chan struct{})
				go func() {
					outer.(tree.Node).Fail(nil)
					close(failed)
				}()
				<-failed
				for range 100 {
					runtime.Gosched() // the other one gets to the lock, or past it
				}
			})
			defer undo()
			s.Cancel(nil)
			if err := <-told; err != context.Canceled {
				t.Errorf("inside, after Told: Err() = %v, want %v", err, context.Canceled)
			}
			return nil
		})
	})
}

// Whoever sees that a scope was called off sees it in the scopes inside as well.
func TestStressCalled(t *testing.T) {
	stress.Run(t, 20, func(r *stress.Round) {
		for range 500 {
			var s, inner cancelscope.Scope
			s.Run(context.Background(), func(outer context.Context) error {
				return inner.Run(outer, func(ctx context.Context) error {
					ready := make(chan struct{})
					go func() {
						close(ready)
						runtime.Gosched()
						s.Cancel(nil)
					}()
					<-ready
					for n := 1; !s.CancelCalled(); n++ {
						if n%100 == 0 {
							runtime.Gosched() // there may be only one processor
						}
					}
					if outer.Err() == nil || ctx.Err() == nil {
						r.Errorf("when CancelCalled is true, Err() = %v, and inside %v", outer.Err(), ctx.Err())
					}
					return nil
				})
			})
		}
	})
}
