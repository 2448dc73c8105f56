package nursery_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
)

// leavesBelow returns all errBoom in err.
func leavesBelow(err error) (all []error) {
	for _, leaf := range leaves(err) {
		if errors.Is(leaf, errBoom) {
			all = append(all, leaf)
		}
	}
	return all
}

// A task moves while its contexts are made, while the scope that it leaves is
// canceled, and while the nursery that it comes to, elsewhere in the tree, is
// canceled or gets a deadline.
func TestStressMove(t *testing.T) {
	for name, how := range map[string]struct {
		before, after func(n *cancelscope.Scope)
		poll          bool
	}{
		"canceled meanwhile": {before: func(n *cancelscope.Scope) { n.Cancel(nil) }},
		"canceled later":     {after: func(n *cancelscope.Scope) { n.Cancel(nil) }},
		"deadline meanwhile": {before: func(n *cancelscope.Scope) { n.SetTimeout(50 * time.Microsecond) }},
		"deadline later":     {after: func(n *cancelscope.Scope) { n.SetTimeout(50 * time.Microsecond) }},
		"deadline, polled":   {before: func(n *cancelscope.Scope) { n.SetTimeout(50 * time.Microsecond) }, poll: true},
	} {
		t.Run(name, func(t *testing.T) {
			stress.Run(t, 100, func(r *stress.Round) {
				rng := r.Rand(0)
				var caller cancelscope.Scope
				during := []func(n *cancelscope.Scope){func(*cancelscope.Scope) {}}
				if how.before != nil {
					during = append(during, how.before)
				}
				if rng.IntN(2) == 0 {
					during = append(during, func(*cancelscope.Scope) { caller.Cancel(nil) })
				}
				moved := startElsewhere(r, &caller, during, how.after, how.poll, rng.IntN(4))
				if !moved && len(during) == 1 {
					r.Errorf("the task did not move, though nothing was canceled")
				}
			})
		})
	}
}

// startElsewhere starts a task from a scope into a nursery that does not enclose it,
// calls all of during meanwhile and after when it has moved. The task ends when it is
// canceled; unless it polls, it waits for the channel alone, and if that is not
// closed, the test hangs.
func startElsewhere(r *stress.Round, caller *cancelscope.Scope, during []func(*cancelscope.Scope), after func(*cancelscope.Scope), poll bool, turns int) (moved bool) {
	err := nursery.Run(context.Background(), func(ctx context.Context, root *nursery.Nursery) error {
		opened, end := make(chan *nursery.Nursery), make(chan struct{})
		root.Go(func(ctx context.Context) error {
			return nursery.Config{Adjustable: true}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				opened <- n
				<-end
				return nil
			})
		})
		n := <-opened
		defer close(end)
		return caller.Run(ctx, func(ctx context.Context) error {
			var others sync.WaitGroup
			defer others.Wait()
			_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				for _, f := range during {
					others.Go(func() { f(n.Scope()) })
				}
				var inner cancelscope.Scope
				return inner.Run(ctx, func(ctx context.Context) error {
					done := make(chan (<-chan struct{}), 1)
					if !poll {
						others.Go(func() { done <- ctx.Done() })
					}
					for range turns {
						runtime.Gosched()
					}
					started(1)
					if !poll {
						<-<-done
					}
					for ctx.Err() == nil {
						if t, ok := n.Scope().Deadline(); ok && time.Now().After(t) && ctx.Err() == nil && !caller.CancelCalled() {
							// The caller has not been canceled, so the task has moved.
							r.Errorf("Err() = nil in a task after the deadline of its nursery")
							return nil
						}
						runtime.Gosched()
					}
					return ctx.Err()
				})
			})
			if moved = err == nil; moved && after != nil {
				after(n.Scope())
			}
			if err != nil && !cancelscope.IsCancellation(ctx, err) {
				r.Errorf("Start = %v, want nil or a cancellation of the caller", err)
			}
			return err
		})
	})
	if err != nil {
		r.Errorf("Run = %v, want nil: the nursery or the caller has absorbed its own cancellation", err)
	}
	return moved
}
