package cancelscope_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// Told waits for whoever is telling the scopes inside, and Fail does not: it would wait
// here for ever.
func TestTold(t *testing.T) {
	s, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
	s.Run(t.Context(), func(outer context.Context) error {
		return inner.Run(outer, func(ctx context.Context) error {
			done, told := ctx.Done(), make(chan bool)
			var once sync.Once
			undo := cancelscope.OnPropagation(func() {
				once.Do(func() { propagating(outer, done, told) })
			})
			defer undo()
			s.Cancel(nil)
			if !<-told {
				t.Error("inside, after Told: Done is open, want it closed")
			}
			return nil
		})
	})
}

// propagating is called when the outer scope is canceled and locked, and the inner one,
// whose channel done is, has not been told.
func propagating(outer context.Context, done <-chan struct{}, told chan<- bool) {
	go func() {
		outer.(tree.Node).Told()
		told <- isClosed(done)
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
