package cancelscope_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// AwaitPropagation waits for the goroutine that cancels the scopes inside. Fail does not
// wait for it: here it would wait for ever.
func TestAwaitPropagation(t *testing.T) {
	s, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
	s.Run(t.Context(), func(outer context.Context) error {
		return inner.Run(outer, func(ctx context.Context) error {
			done, closed := ctx.Done(), make(chan bool)
			var once sync.Once
			undo := cancelscope.OnPropagation(func() {
				once.Do(func() { propagating(outer, done, closed) })
			})
			defer undo()
			s.Cancel(nil)
			if !<-closed {
				t.Error("inside, after AwaitPropagation: Done is open, want it closed")
			}
			return nil
		})
	})
}

// propagating is called while the outer scope is canceled and locked, and before the
// inner one, to which the channel done belongs, is canceled.
func propagating(outer context.Context, done <-chan struct{}, closed chan<- bool) {
	go func() {
		outer.(tree.Node).AwaitPropagation()
		closed <- bubbletest.IsClosed(done)
	}()
	failed := make(chan struct{})
	go func() {
		outer.(tree.Node).Fail(nil)
		close(failed)
	}()
	<-failed
	for range 100 {
		runtime.Gosched() // the first goroutine gets to the lock, or past it
	}
}

// When CancelCalled reports true, the contexts of the scope and of those inside are done.
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
