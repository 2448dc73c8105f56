package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestCanceledScope(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_edge_cases
	bubbletest.Run(t, "twice, and again and again", func(t *testing.T) {
		var twice, again cancelscope.Scope
		err := twice.Run(t.Context(), func(ctx context.Context) error {
			twice.Cancel(nil)
			twice.Cancel(nil)
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "Run of a scope that was canceled twice", err, nil)
		bubbletest.CheckScope(t, "twice", &twice, true, true)

		err = again.Run(t.Context(), func(ctx context.Context) error {
			start := time.Now()
			again.Cancel(nil)
			for range 2 {
				checkCancellation(t, "Sleep", ctx, deadline.Sleep(ctx, forever))
			}
			bubbletest.CheckElapsed(t, "sleeping twice", start, 0)
			return nil
		})
		bubbletest.CheckError(t, "Run of a scope whose block swallows its cancellation", err, nil)
	})

	// catalogue: anyio/test_taskgroups.py::test_cancelled_not_caught
	t.Run("without a wait", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(context.Context) error {
			s.Cancel(nil)
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, false)
	})

	// catalogue: trio/test_run.py::test_slow_abort_basic
	bubbletest.Run(t, "with an operation that takes its time to end", func(t *testing.T) {
		var s cancelscope.Scope
		start := time.Now()
		slow := func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second) // letting go what it has
			return context.Cause(ctx)
		}
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			err := slow(ctx)
			checkCancellation(t, "the slow operation", ctx, err)
			bubbletest.CheckElapsed(t, "the slow operation", start, time.Second)
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_cancel_message_replaced
	t.Run("whose block makes a new cancellation of the old one", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		cancel()
		var s cancelscope.Scope
		s.SetShield(true) // what was canceled before has been dealt with
		err := s.Run(outside, func(ctx context.Context) error {
			s.Cancel(nil)
			err := deadline.Sleep(ctx, 0)
			return errors.Join(fmt.Errorf("cleaning up: %w", err), ctx.Err())
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}

func TestNestedCanceledScopes(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_scope_nesting
	bubbletest.Run(t, "the outermost of the canceled ones catches", func(t *testing.T) {
		var first, second, third cancelscope.Scope
		err := first.Run(t.Context(), func(ctx context.Context) error {
			return second.Run(ctx, func(ctx context.Context) error {
				return third.Run(ctx, func(ctx context.Context) error {
					third.Cancel(nil)
					second.Cancel(nil)
					return deadline.Sleep(ctx, forever)
				})
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "third", &third, true, false)
		bubbletest.CheckScope(t, "second", &second, true, true)
		bubbletest.CheckScope(t, "first", &first, false, false)

		outer, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
		err = outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				inner.SetShield(true)
				outer.Cancel(nil)
				bubbletest.CheckError(t, "Sleep under the shield", deadline.Sleep(ctx, time.Second), nil)
				inner.Cancel(nil)
				err := deadline.Sleep(ctx, forever)
				checkCancellation(t, "Sleep in the shielded scope that is canceled", ctx, err)
				return err
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
		bubbletest.CheckScope(t, "outer", &outer, true, false)

		var pending cancelscope.Scope
		err = pending.Run(t.Context(), func(context.Context) error {
			pending.Cancel(nil)
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckError(t, "Sleep after the scope", deadline.Sleep(t.Context(), 0), nil)
		bubbletest.CheckScope(t, "pending", &pending, true, false)
	})

	// catalogue: trio/test_run.py::test_very_deep_cancel_scope_nesting
	t.Run("five thousand of them", func(t *testing.T) {
		const depth = 5000
		var scopes [depth]cancelscope.Scope
		var nest func(ctx context.Context, n int) error
		nest = func(ctx context.Context, n int) error {
			if n == depth {
				scopes[0].Cancel(nil)
				checkDone(t, "the innermost context", ctx, context.Canceled)
				bubbletest.CheckError(t, "cause of the innermost context", context.Cause(ctx), scopes[0].Cause())
				return deadline.Sleep(ctx, 0)
			}
			return scopes[n].Run(ctx, func(ctx context.Context) error { return nest(ctx, n+1) })
		}
		bubbletest.CheckError(t, "Run", nest(t.Context(), 0), nil)
		bubbletest.CheckScope(t, "the outermost scope", &scopes[0], true, true)
		for i := range scopes[1:] {
			if s := &scopes[i+1]; s.CancelCalled() || s.CanceledCaught() {
				t.Fatalf("scope %d: CancelCalled, CanceledCaught = %v, %v, want false, false", i+1, s.CancelCalled(), s.CanceledCaught())
			}
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancelled_scope_based_checkpoint
	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_cancelled_scope_based_checkpoint
	bubbletest.Run(t, "both canceled, the wait in the inner one", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		after := false
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			outer.Cancel(nil)
			err := inner.Run(ctx, func(ctx context.Context) error {
				inner.Cancel(nil)
				return deadline.Sleep(ctx, forever)
			})
			checkDone(t, "ctx on the way to the outer scope", ctx, context.Canceled)
			if err != nil {
				return err
			}
			after = true
			return nil
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		checkOpen(t, "the caller's context", t.Context())
		if after {
			t.Error("the code after the inner scope has run, want it skipped")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancelled_raises_beyond_origin_unshielded
	// catalogue: anyio/test_taskgroups.py::test_cancelled_raises_beyond_origin_shielded
	t.Run("the outer one canceled on the way out", func(t *testing.T) {
		for _, shield := range []bool{false, true} {
			var outer, inner cancelscope.Scope
			inner.SetShield(shield)
			after := false
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				err := inner.Run(ctx, func(ctx context.Context) error {
					defer outer.Cancel(nil)
					inner.Cancel(nil)
					return deadline.Sleep(ctx, 0)
				})
				if err != nil {
					return err
				}
				after = true
				return nil
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "inner", &inner, true, shield)
			bubbletest.CheckScope(t, "outer", &outer, true, !shield)
			if after != shield {
				t.Errorf("shielded %t: the code after the inner scope has run: %t", shield, after)
			}
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_escaping_cancelled_error_from_cancelled_task
	bubbletest.Run(t, "the outer one canceled at its very end", func(t *testing.T) {
		var outer cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			expired, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				return deadline.Sleep(ctx, forever)
			})
			if !expired || err != nil {
				t.Errorf("MoveOnAfter = %v, %v, want true, nil", expired, err)
			}
			outer.Cancel(nil)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "outer", &outer, true, false)
	})

	// catalogue: anyio/test_taskgroups.py::test_nested_fail_after
	bubbletest.Run(t, "two around a time limit that has not passed", func(t *testing.T) {
		var outermost, outer cancelscope.Scope
		start, after := time.Now(), false
		err := outermost.Run(t.Context(), func(ctx context.Context) error {
			err := outer.Run(ctx, func(ctx context.Context) error {
				err := deadline.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
					outermost.Cancel(nil)
					return deadline.Sleep(ctx, forever)
				})
				checkCancellation(t, "FailAfter", ctx, err)
				if err == nil {
					after = true
				}
				return err
			})
			if err == nil {
				after = true
			}
			return err
		})
		bubbletest.CheckError(t, "outermost.Run", err, nil)
		bubbletest.CheckElapsed(t, "outermost.Run", start, 0)
		bubbletest.CheckScope(t, "outer", &outer, false, false)
		bubbletest.CheckScope(t, "outermost", &outermost, true, true)
		if after {
			t.Error("code after a canceled block has run, want it skipped")
		}
	})
}

func TestNothingIsLeftPending(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_scope_cancel
	t.Run("after a scope has caught its own", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		defer cancel()
		var s cancelscope.Scope
		s.Cancel(nil)
		bubbletest.CheckError(t, "Run", s.Run(outside, untilDone), nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		checkOpen(t, "the caller's context", outside)
	})

	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_cancel_counter_nested_scopes
	t.Run("after it came through another scope", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				outer.Cancel(nil)
				return deadline.Sleep(ctx, 0)
			})
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		checkOpen(t, "the caller's context", t.Context())
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_scope_cleared
	bubbletest.Run(t, "after a time limit", func(t *testing.T) {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			expired, err := deadline.MoveOnAfter(ctx, time.Second, untilDone)
			if !expired || err != nil {
				t.Errorf("MoveOnAfter = %v, %v, want true, nil", expired, err)
			}
			bubbletest.CheckError(t, "Sleep after the block", deadline.Sleep(ctx, time.Second), nil)
			return nil
		})
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_cancel_in_timeout_after_cancellation
	bubbletest.Run(t, "by an earlier cancellation", func(t *testing.T) {
		var earlier, outer, limited cancelscope.Scope
		earlier.Cancel(nil)
		bubbletest.CheckError(t, "the first Run", earlier.Run(t.Context(), untilDone), nil)

		limited.SetTimeout(time.Hour)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := deadline.FailScope(ctx, &limited, func(ctx context.Context) error {
				checkOpen(t, "the context in a time limit", ctx)
				outer.Cancel(nil)
				return untilDone(ctx)
			})
			checkCancellation(t, "FailScope with an hour to go", ctx, err)
			if slow := new(deadline.TooSlowError); errors.As(err, &slow) {
				t.Errorf("FailScope with an hour to go = %v, want no TooSlowError", err)
			}
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "limited", &limited, false, false)
	})
}

func TestCancellationFromOutsideAllScopes(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_native_cancel
	t.Run("through a scope that is not canceled", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		err := s.Run(outside, func(ctx context.Context) error {
			cancel()
			return untilDone(ctx)
		})
		checkCancellation(t, "Run", outside, err)
		bubbletest.CheckScope(t, "s", &s, false, false)
		checkDone(t, "the caller's context", outside, context.Canceled)
	})

	// catalogue: anyio/test_taskgroups.py::TestUncancel::test_uncancel_after_scope_and_native_cancel
	t.Run("through a scope that is canceled as well", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		err := s.Run(outside, func(ctx context.Context) error {
			s.Cancel(nil)
			cancel()
			return untilDone(ctx)
		})
		checkCancellation(t, "Run", outside, err)
		bubbletest.CheckScope(t, "s", &s, true, false)
		checkDone(t, "the caller's context", outside, context.Canceled)
	})
}
