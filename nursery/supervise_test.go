package nursery_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestSupervise(t *testing.T) {
	bubbletest.Run(t, "keeps the siblings going and every error", func(t *testing.T) {
		start := time.Now()
		finished := false
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("b", failing(2*time.Second, errBang))
			n.GoNamed("a", failing(time.Second, errBoom))
			n.GoNamed("sibling", func(ctx context.Context) error {
				err := deadline.Sleep(ctx, 3*time.Second)
				finished = err == nil
				return err
			})
			spawned := nursery.Spawn(n, "spawned", func(ctx context.Context) (int, error) {
				return 0, failing(4*time.Second, errCrash)(ctx)
			})
			if _, err := nursery.Start(ctx, n, "started", readyAfter(0, 1, 5*time.Second, errBoom)); err != nil {
				t.Errorf("Start = %v, want nil", err)
			}
			if _, err := spawned.Wait(ctx); err != errCrash {
				t.Errorf("Wait for a task that fails = %v, want the very %v", err, errCrash)
			}
			return nil
		})
		bubbletest.CheckElapsed(t, "Run", start, 5*time.Second)
		checkShape(t, "Run", err, "[a=boom b=bang spawned=crash started=boom]")
		if !finished {
			t.Error("a sibling of tasks that failed was canceled, want it finished")
		}
	})

	bubbletest.Run(t, "takes context.Canceled of others for what it is", func(t *testing.T) {
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			own, cancel := context.WithCancel(ctx)
			cancel()
			n.GoNamed("own", with(own.Err()))
			synctest.Wait() // the task has failed
			return ctx.Err()
		})
		checkShape(t, "Run", err, "[own=context canceled]")
	})

	bubbletest.Run(t, "ends with the body's error", func(t *testing.T) {
		start := time.Now()
		var sibling error
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("sibling", func(ctx context.Context) error {
				sibling = deadline.Sleep(ctx, forever)
				return sibling
			})
			return failing(time.Second, errBoom)(ctx)
		})
		bubbletest.CheckElapsed(t, "Run with a body that fails", start, time.Second)
		checkShape(t, "Run with a body that fails", err, "[body=boom]")
		bubbletest.CheckCanceled(t, "Sleep in the sibling", sibling, cancelscope.ByTask)
	})

	for _, v := range victims {
		bubbletest.Run(t, "ends with a panic of "+v.name, func(t *testing.T) {
			o := runVictim(t, nursery.Config{Supervise: true}, v, panicking)
			if v.name == "body" {
				if o.panicked != "bad" {
					t.Errorf("Run: %v, want a panic with the body's own value", o)
				}
				return
			}
			if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Task != v.name {
				t.Errorf("Run: %v, want a panic with the *PanicError of %s", o, v.name)
			}
		})
	}

	bubbletest.Run(t, "does not end with a panic that is converted", func(t *testing.T) {
		start := time.Now()
		config := nursery.Config{Supervise: true, Panics: nursery.ConvertPanics}
		err := config.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("panics", panicking)
			n.GoNamed("exits", func(ctx context.Context) error { return afterASecond(ctx, exiting) })
			return deadline.Sleep(ctx, 2*time.Second)
		})
		bubbletest.CheckElapsed(t, "Run", start, 2*time.Second)
		checkShape(t, "Run", err, "[panics=panic(bad) exits=task called runtime.Goexit]")
	})

	bubbletest.Run(t, "keeps errors from before a cancellation and after it", func(t *testing.T) {
		s := new(cancelscope.Scope)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.AfterFunc(2*time.Second, func() { s.Cancel(nil) })
			return nursery.Config{Supervise: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("early", failing(time.Second, errBoom))
				n.GoNamed("canceled", sleeping(forever))
				n.GoNamed("late", stubborn(errBang))
				return nil
			})
		})
		checkShape(t, "canceled scope around Run", err, "[early=boom late=bang]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) || errors.Is(err, context.Canceled) {
			t.Errorf("errors of the scope = %v, want the very %v and no cancellation", got, []error{errBoom, errBang})
		}
	})
}
