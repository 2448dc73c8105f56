package nursery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
)

func TestPanicTakesPrecedenceOverErrors(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_20
	inBubble(t, "in a body that is canceled for a task", func(t *testing.T) {
		start := time.Now()
		siblingEnded := false
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("crasher", failing(time.Second, errBoom))
				n.GoNamed("sibling", func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					siblingEnded = true
					return nil
				})
				<-ctx.Done()
				panic("interrupt")
			})
		})
		checkElapsed(t, "Run with a sibling that takes a second to end", start, 2*time.Second)
		// Python drops the error of the task as well.
		if o.panicked != "interrupt" {
			t.Fatalf("Run with a task that fails and a body that panics: %v, want a panic with the body's own value", o)
		}
		if !siblingEnded {
			t.Error("Run panicked while a task was running, want all ended")
		}
	})
}

func TestPanicInATaskWithAHandle(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_base_exception
	inBubble(t, "reaches who waits and the caller of Run", func(t *testing.T) {
		start := time.Now()
		var task *nursery.Task[int]
		var waited, late error
		var value int
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				task = nursery.Spawn(n, "bad", func(ctx context.Context) (int, error) {
					if err := failing(time.Second, nil)(ctx); err != nil {
						return 0, err
					}
					panic(errBoom)
				})
				n.GoNamed("slow", func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					return nil
				})
				// Not under ctx: the panic cancels that before the wait ends.
				value, waited = task.Wait(context.WithoutCancel(ctx))
				return nil
			})
		})
		checkElapsed(t, "Run with a task that takes a second to end", start, 2*time.Second)
		if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Value != errBoom || p.Task != "bad" || !errors.Is(p, errBoom) {
			t.Errorf("Run with a task that panics: %v, want a panic with the task's *PanicError", o)
		}
		if p, ok := waited.(*nursery.PanicError); !ok || p.Value != errBoom || value != 0 {
			t.Errorf("Wait for a task that panicked = %d, %v, want 0 and its *PanicError", value, shape(waited))
		}
		if _, late = task.Result(); late != waited {
			t.Errorf("Result of a task that panicked = %v, want what Wait gave, %v", shape(late), shape(waited))
		}
	})
}
