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

// cancelSoon is a task that cancels s when all others are blocked.
func cancelSoon(s *cancelscope.Scope) func(context.Context) error {
	return func(context.Context) error {
		synctest.Wait() // all others are blocked
		s.Cancel(nil)
		return nil
	}
}

// checkPending checks that ctx is canceled, and that each wait says so.
func checkPending(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	if at, ok := deadline.Effective(ctx); !ok || !at.IsZero() {
		t.Errorf("%s: Effective = %v, %v, want the zero time, true", name, at, ok)
	}
	for range 2 {
		if err := deadline.Sleep(ctx, 10*time.Millisecond); !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("%s: Sleep = %v, want a cancellation", name, err)
		}
	}
}

// checkUnlimited checks that ctx is not canceled and has no deadline.
func checkUnlimited(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	checkCalm(t, name, ctx)
	if at, ok := deadline.Effective(ctx); ok {
		t.Errorf("%s: Effective = %v, want none", name, at)
	}
}

func TestShieldedTask(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_shield_abort
	bubbletest.Run(t, "until the shield is taken off", func(t *testing.T) {
		var outer cancelscope.Scope
		var sleeper marker
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return nursery.Config{Adjustable: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Scope().SetShield(true)
				n.Go(sleeper.sleep)
				outer.Cancel(nil)
				time.Sleep(time.Minute)
				synctest.Wait() // whatever the cancel has set going has ended
				if sleeper.interrupted {
					t.Error("the sleeper was interrupted through the shield")
				}
				n.Scope().SetShield(false)
				synctest.Wait() // the sleeper has noticed, with the body still running
				sleeper.checkInterrupted(t, "the sleeper")
				return nil
			})
		})
		checkShape(t, "outer.Run", err, "nil")
		if !outer.CanceledCaught() {
			t.Error("CanceledCaught() of the outer scope = false, want true")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_shielding_mutate
	bubbletest.Run(t, "that puts its shield up late and takes it off", func(t *testing.T) {
		completed, after := false, false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				s := cancelscope.Scope{Adjustable: true}
				return s.Run(ctx, func(ctx context.Context) error {
					if err := deadline.Sleep(ctx, time.Second); err != nil {
						return err
					}
					s.SetShield(true)
					started(0)
					if err := deadline.Sleep(ctx, time.Second); err != nil {
						return err
					}
					completed = true
					s.SetShield(false)
					if err := deadline.Sleep(ctx, time.Second); err != nil {
						return err
					}
					after = true
					return nil
				})
			})
			n.Scope().Cancel(nil)
			return err
		})
		checkShape(t, "Run", err, "nil")
		if !completed || after {
			t.Errorf("shielded sleep completed: %v, the one after: %v; want true, false", completed, after)
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_shielded_cancel_sleep_time
	bubbletest.Run(t, "is waited for without a busy loop", func(t *testing.T) {
		// In a bubble time stands still while any goroutine runs: were there one
		// that loops, the sleep would not end.
		start := time.Now()
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return cancelscope.Shield(ctx, 2*forever, sleeping(forever))
			})
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		bubbletest.CheckElapsed(t, "Run", start, forever)
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_shielding_start
	bubbletest.Run(t, "that is being started", func(t *testing.T) {
		var outer cancelscope.Scope
		var task marker
		shielded := false
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancelSoon(&outer))
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					err := cancelscope.Shield(ctx, forever, sleeping(time.Minute))
					shielded = err == nil
					return errors.Join(err, task.sleep(ctx))
				})
				return err
			})
		})
		checkShape(t, "outer.Run", err, "nil")
		task.checkInterrupted(t, "the task after its shield")
		if !shielded {
			t.Error("the task was disturbed under its shield")
		}
	})
}

func TestShieldInTheBody(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_shielding
	bubbletest.Run(t, "of a nursery that is canceled meanwhile", func(t *testing.T) {
		var after marker
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancelSoon(n.Scope()))
			var shielded cancelscope.Scope
			shielded.SetShield(true)
			start := time.Now()
			err := shielded.Run(ctx, sleeping(time.Second))
			checkShape(t, "Run of the shielded scope", err, "nil")
			bubbletest.CheckElapsed(t, "Run of the shielded scope", start, time.Second)
			if shielded.CancelCalled() {
				t.Error("CancelCalled() of the shielded scope = true, want false")
			}
			return after.sleep(ctx)
		})
		checkShape(t, "Run", err, "nil")
		after.checkInterrupted(t, "the first wait after the shield")
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_from_shielded_scope
	bubbletest.Run(t, "from which the nursery is canceled", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			var shielded cancelscope.Scope
			shielded.SetShield(true)
			err := shielded.Run(ctx, func(ctx context.Context) error {
				n.Scope().Cancel(nil)
				checkUnlimited(t, "under the shield", ctx)
				return deadline.Sleep(ctx, 0)
			})
			checkShape(t, "Run of the shielded scope", err, "nil")
			checkPending(t, "after the shield", ctx)
			return nil
		})
		checkShape(t, "Run", err, "nil")
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_shielded_scope
	bubbletest.Run(t, "whose own scope is canceled", func(t *testing.T) {
		var shielded cancelscope.Scope
		shielded.SetShield(true)
		err := shielded.Run(t.Context(), func(ctx context.Context) error {
			checkUnlimited(t, "before Cancel", ctx)
			shielded.Cancel(nil)
			checkPending(t, "after Cancel", ctx)
			return deadline.Sleep(ctx, 0)
		})
		checkShape(t, "Run", err, "nil")
		if !shielded.CanceledCaught() {
			t.Error("CanceledCaught() = false, want true")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_shielded_cleanup_after_cancel
	bubbletest.Run(t, "for clean-up", func(t *testing.T) {
		cleaned := false
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				err := deadline.Sleep(ctx, forever)
				checkPending(t, "in clean-up", ctx)
				var outer, inner cancelscope.Scope
				outer.SetShield(true)
				outer.Run(ctx, func(ctx context.Context) error {
					checkUnlimited(t, "under a shield", ctx)
					inner.SetShield(true)
					return inner.Run(ctx, func(ctx context.Context) error {
						checkUnlimited(t, "under a nested shield", ctx)
						cleaned = deadline.Sleep(ctx, time.Second) == nil
						return nil
					})
				})
				checkPending(t, "after the shields", ctx)
				return err
			})
			synctest.Wait() // the task is asleep
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		if !cleaned {
			t.Error("the sleep under the shields was interrupted")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_shielding_immediate_scope_cancelled
	bubbletest.Run(t, "that is canceled by a task inside", func(t *testing.T) {
		var shielded cancelscope.Scope
		var body marker
		shielded.SetShield(true)
		err := shielded.Run(t.Context(), func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancelSoon(&shielded))
				return body.sleep(ctx)
			})
		})
		checkShape(t, "Run", err, "nil")
		body.checkInterrupted(t, "the body")
		if !shielded.CanceledCaught() {
			t.Error("CanceledCaught() = false, want true")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_nested_shield
	bubbletest.Run(t, "with a time limit that runs out", func(t *testing.T) {
		var outer, shielded cancelscope.Scope
		shielded.SetShield(true)
		start := time.Now()
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			return outer.Run(ctx, func(ctx context.Context) error {
				return shielded.Run(ctx, func(ctx context.Context) error {
					n.Go(cancelSoon(&outer))
					return deadline.FailAfter(ctx, time.Minute, sleeping(forever))
				})
			})
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)
		var slow *deadline.TooSlowError
		if all := leaves(err); len(all) != 1 || !errors.As(all[0], &slow) {
			t.Errorf("Run = %v, want an Error with a TooSlowError alone", err)
		}
		checkShape(t, "Run", err, "[body=too slow: limit of 1m0s exceeded]")
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_child_task_when_host_is_shielded
	bubbletest.Run(t, "does not protect the tasks", func(t *testing.T) {
		var outer cancelscope.Scope
		var child marker
		undisturbed := false
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(child.sleep)
				return cancelscope.Shield(ctx, forever, func(ctx context.Context) error {
					outer.Cancel(nil)
					synctest.Wait() // the child has noticed, with the body still in its shield
					child.checkInterrupted(t, "the child")
					undisturbed = deadline.Sleep(ctx, time.Minute) == nil
					return nil
				})
			})
		})
		checkShape(t, "outer.Run", err, "nil")
		if !undisturbed {
			t.Error("the body was disturbed under its shield")
		}
	})
}
