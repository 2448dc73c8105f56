package nursery_test

import (
	"context"
	"sync/atomic"
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

// A registry is a context that counts who waits for its end by AfterFunc, and calls back
// when it is asked to register the first.
type registry struct {
	context.Context
	done  chan struct{}
	first func()
	count atomic.Int64
}

func (r *registry) Done() <-chan struct{} { return r.done }

func (r *registry) AfterFunc(func()) (stop func() bool) {
	r.count.Add(1)
	if f := r.first; f != nil {
		r.first = nil
		f()
	}
	return func() bool {
		r.count.Add(-1)
		return true
	}
}

// TestStartMovesWhileRegistering has a task move while its scope registers with the
// context of the caller. The registration is undone at once, and the task is canceled with
// the nursery.
func TestStartMovesWhileRegistering(t *testing.T) {
	caller := &registry{Context: context.Background(), done: make(chan struct{})}
	err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(caller, n, "mover", func(ctx context.Context, started func(int)) error {
			caller.first = func() { started(1) }
			done := ctx.Done()
			if count := caller.count.Load(); count != 0 {
				t.Errorf("%d registrations with the caller's context after the move, want 0", count)
			}
			n.Scope().Cancel(nil)
			<-done
			return ctx.Err()
		})
		return err
	})
	if err != nil {
		t.Errorf("Run(…) = %v, want nil", err)
	}
}
