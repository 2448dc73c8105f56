package nursery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestCanceledFromOutside(t *testing.T) {
	for name, bodySleeps := range map[string]bool{
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_cancellation
		"while it waits for its tasks": false,
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_07
		"while its body sleeps": true,
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			outside, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			var body marker
			var children [5]marker
			start := time.Now()
			err := nursery.Run(outside, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range children {
					n.Go(children[i].sleep)
				}
				if bodySleeps {
					return body.sleep(ctx)
				}
				return nil
			})
			bubbletest.CheckElapsed(t, "Run", start, time.Second)
			bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByParent)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v, want %v", err, context.Canceled)
			}
			if bodySleeps {
				body.checkInterrupted(t, "the body")
			}
			for i := range children {
				children[i].checkInterrupted(t, "a child")
			}
		})
	}

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_17
	bubbletest.Run(t, "without tasks", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var body marker
		cleaned := false
		err := nursery.Run(outside, func(ctx context.Context, _ *nursery.Nursery) error {
			defer func() { cleaned = true }()
			return body.sleep(ctx)
		})
		bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByParent)
		body.checkInterrupted(t, "the body")
		if !cleaned {
			t.Error("the clean-up of the body did not run")
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_22
	bubbletest.Run(t, "shortly after its tasks have started", func(t *testing.T) {
		for _, settle := range []func(){synctest.Wait, func() {}} {
			outside, cancel := context.WithCancel(t.Context())
			var children [2]marker
			err := nursery.Run(outside, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(children[0].sleep)
				n.Go(children[1].sleep)
				settle() // once both sleep, once they may not have run yet
				cancel()
				return nil
			})
			bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByParent)
			children[0].checkInterrupted(t, "the first child")
			children[1].checkInterrupted(t, "the second child")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_propagate_native_cancellation_from_taskgroup
	bubbletest.Run(t, "through a handle of the task that runs it", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			var inner error
			task := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				inner = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(sleeping(forever))
					return nil
				})
				return 0, inner
			})
			synctest.Wait() // the task waits for its child
			task.Cancel(errBoom)
			_, err := task.Wait(ctx)
			c := bubbletest.CheckCanceled(t, "Wait", err, cancelscope.ByCall)
			bubbletest.CheckCanceled(t, "the Run in the task", inner, cancelscope.ByCall)
			if c.Reason() != errBoom {
				t.Errorf("reason = %v, want %v", c.Reason(), errBoom)
			}
			return nil
		})
		checkShape(t, "Run", err, "nil")
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_exiting_task_group
	bubbletest.Run(t, "while it waits for a task that cleans up", func(t *testing.T) {
		var outer cancelscope.Scope
		time.AfterFunc(time.Second, func() { outer.Cancel(nil) })
		cleaned := false
		start := time.Now()
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					err := deadline.Sleep(ctx, forever)
					return errors.Join(err, cancelscope.Shield(ctx, forever, func(ctx context.Context) error {
						defer func() { cleaned = true }()
						return deadline.Sleep(ctx, time.Minute)
					}))
				})
				return nil
			})
			if !cleaned {
				t.Error("Run has returned before the child has cleaned up")
			}
			bubbletest.CheckElapsed(t, "Run", start, time.Second+time.Minute)
			bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByCall)
			return err
		})
		checkShape(t, "outer.Run", err, "nil")
	})

	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_taskgroup_cancelled
	bubbletest.Run(t, "around nested nurseries", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var leaves [4]marker
		err := nursery.Run(outside, func(_ context.Context, n *nursery.Nursery) error {
			for i := range leaves {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						n.Go(leaves[i].sleep)
						return nil
					})
				})
			}
			return nil
		})
		// One cancellation, however many tasks it has reached.
		c := bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByParent)
		if again := context.Cause(outside); c.Reason() != nil || again != context.Canceled {
			t.Errorf("reason %v, cause outside %v; want nil, %v", c.Reason(), again, context.Canceled)
		}
		for i := range leaves {
			leaves[i].checkInterrupted(t, "a leaf")
		}
	})

	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_group_aexit_native_cancel
	bubbletest.Run(t, "twice while it waits for a shielded task", func(t *testing.T) {
		outside, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errBoom) })
		time.AfterFunc(2*time.Second, func() { cancel(errBang) })
		finished := false
		start := time.Now()
		err := nursery.Run(outside, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				err := cancelscope.Shield(ctx, forever, sleeping(time.Minute))
				finished = err == nil
				return errors.Join(err, context.Cause(ctx))
			})
			return nil
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)
		c := bubbletest.CheckCanceled(t, "Run", err, cancelscope.ByParent)
		if c.Reason() != errBoom {
			t.Errorf("reason = %v, want %v, the first one", c.Reason(), errBoom)
		}
		if !finished {
			t.Error("the shielded task was cut short")
		}
	})
}

func TestNothingIsLeftPending(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_cancelling_level_preserved
	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_child_task_failed
	bubbletest.Run(t, "after a failure", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := nursery.Run(outside, func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("child", failing(time.Second, errBoom))
			return nil
		})
		checkShape(t, "Run", err, "[child=boom]")
		checkCalm(t, "the caller's context", outside)
		if err := deadline.Sleep(outside, time.Second); err != nil {
			t.Errorf("Sleep after Run = %v, want nil", err)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_nested_groups_both_cancelled
	bubbletest.Run(t, "after failures in two nurseries at a time", func(t *testing.T) {
		crashing := func(err error) func(context.Context) error {
			return func(context.Context) error {
				time.Sleep(time.Second)
				return err
			}
		}
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("outer", crashing(errBoom))
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("inner", crashing(errBang))
				return deadline.Sleep(ctx, forever)
			})
			_, rest := cancelscope.Split(ctx, err) // if the outer child was first, err has its cancellation too
			checkShape(t, "the inner Run, without cancellations,", rest, "[inner=bang]")
			synctest.Wait() // the outer child has failed as well
			bubbletest.CheckCanceled(t, "Sleep in the outer body", deadline.Sleep(ctx, forever), cancelscope.ByTask)
			return nil // the inner error has been dealt with
		})
		checkShape(t, "the outer Run", err, "[outer=boom]")
		checkCalm(t, "the caller's context", t.Context())
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_error_and_cancel
	bubbletest.Run(t, "but what came from outside", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			handled := false
			var self *nursery.Task[int]
			known := make(chan struct{})
			self = nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				<-known
				err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.GoNamed("child", func(context.Context) error {
						self.Cancel(nil)
						return errBoom
					})
					return nil
				})
				if errors.Is(err, errBoom) {
					handled = true
				}
				return 1, deadline.Sleep(ctx, forever)
			})
			close(known)
			_, err := self.Wait(ctx)
			bubbletest.CheckCanceled(t, "Wait", err, cancelscope.ByCall)
			if !handled {
				t.Errorf("the inner nursery did not return the failure of the child, want it to")
			}
			return nil
		})
		checkShape(t, "Run", err, "nil")
	})
}
