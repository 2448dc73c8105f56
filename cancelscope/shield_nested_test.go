package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// catalogue: trio/test_run.py::test_cancel_shielding
func TestShieldOnAndOff(t *testing.T) {
	outer, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
	err := outer.Run(t.Context(), func(ctx context.Context) error {
		return inner.Run(ctx, func(ctx context.Context) error {
			bubbletest.CheckError(t, "checkpoint at first", deadline.Sleep(ctx, 0), nil)
			for range 2 {
				inner.SetShield(true)
				bubbletest.CheckError(t, "checkpoint with the shield up", deadline.Sleep(ctx, 0), nil)
				inner.SetShield(false)
				bubbletest.CheckError(t, "checkpoint with the shield down", deadline.Sleep(ctx, 0), nil)
			}
			inner.SetShield(true)
			outer.Cancel(nil)
			bubbletest.CheckError(t, "checkpoint with outer canceled", deadline.Sleep(ctx, 0), nil)

			var innermost cancelscope.Scope
			err := innermost.Run(ctx, func(ctx context.Context) error {
				innermost.Cancel(nil)
				err := deadline.Sleep(ctx, 0)
				checkCancellation(t, "checkpoint in a scope inside that is canceled", ctx, err)
				return err
			})
			bubbletest.CheckError(t, "Run of a scope inside", err, nil)
			bubbletest.CheckError(t, "checkpoint after it", deadline.Sleep(ctx, 0), nil)

			inner.SetShield(false)
			checkCancellation(t, "checkpoint with the shield off", ctx, deadline.Sleep(ctx, 0))
			// Not as in Trio: what is done stays done. A new scope can be shielded.
			inner.SetShield(true)
			checkCancellation(t, "checkpoint with the shield up again", ctx, deadline.Sleep(ctx, 0))
			var again cancelscope.Scope
			again.SetShield(true)
			err = again.Run(ctx, func(ctx context.Context) error {
				bubbletest.CheckError(t, "checkpoint in a new shielded scope", deadline.Sleep(ctx, 0), nil)
				again.Cancel(nil)
				return deadline.Sleep(ctx, 0)
			})
			bubbletest.CheckError(t, "Run of a new shielded scope", err, nil)
			bubbletest.CheckScope(t, "again", &again, true, true)
			return deadline.Sleep(ctx, 0)
		})
	})
	bubbletest.CheckError(t, "outer.Run", err, nil)
	bubbletest.CheckScope(t, "inner", &inner, false, false)
	bubbletest.CheckScope(t, "outer", &outer, true, true)
}

func TestShieldAgainstDelivery(t *testing.T) {
	// catalogue: trio/test_run.py::test_unshield_while_cancel_propagating
	t.Run("put up while a cancellation goes through", func(t *testing.T) {
		outer, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			outer.Cancel(nil)
			err := inner.Run(ctx, func(ctx context.Context) error {
				defer inner.SetShield(true)
				return deadline.Sleep(ctx, 0)
			})
			checkCancellation(t, "inner.Run", ctx, err)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	// catalogue: trio/test_run.py::test_slow_abort_edge_cases
	bubbletest.Run(t, "put up when the delivery has begun", func(t *testing.T) {
		outer, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
		interrupted := 0
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				context.AfterFunc(ctx, func() { interrupted++ })
				inner.Cancel(nil)
				outer.Cancel(nil)
				synctest.Wait() // the interruption has been served
				if interrupted != 1 {
					t.Errorf("a function given to AfterFunc ran %d times after two cancels, want once", interrupted)
				}
				inner.SetShield(true)
				checkCancellation(t, "Sleep after delivery", ctx, deadline.Sleep(ctx, forever))
				// What passes is a checkpoint under a shield of its own.
				bubbletest.CheckError(t, "Sleep under Shield", cancelscope.Shield(ctx, time.Hour, func(ctx context.Context) error {
					return deadline.Sleep(ctx, time.Second)
				}), nil)
				return context.Cause(ctx)
			})
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		if interrupted != 1 {
			t.Errorf("a function given to AfterFunc ran %d times in all, want once", interrupted)
		}
	})
}

// limits are the two kinds of time limits, over a scope that the caller has made.
var limits = map[string]func(ctx context.Context, s *cancelscope.Scope, fn func(ctx context.Context) error) error{
	"move on": func(ctx context.Context, s *cancelscope.Scope, fn func(ctx context.Context) error) error {
		return s.Run(ctx, fn)
	},
	"fail": deadline.FailScope,
}

func TestShieldedTimeLimit(t *testing.T) {
	// catalogue: trio/test_timeouts.py::test_context_shields_from_outer
	for name, limit := range limits {
		bubbletest.Run(t, name+", until the shield is taken off", func(t *testing.T) {
			var outer, inner cancelscope.Scope
			inner.SetTimeout(time.Hour)
			inner.SetShield(true)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				err := limit(ctx, &inner, func(ctx context.Context) error {
					outer.Cancel(nil)
					bubbletest.CheckError(t, "Sleep under the shield", deadline.Sleep(ctx, 0), nil)
					inner.SetShield(false)
					return deadline.Sleep(ctx, 0)
				})
				checkCancellation(t, name, ctx, err)
				return err
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "outer", &outer, true, true)
		})
	}

	// catalogue: trio/test_timeouts.py::test_move_on_after_moves_on_even_if_shielded
	bubbletest.Run(t, "moves on at its own deadline", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Minute)
		inner.SetShield(true)
		start, after := time.Now(), false
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			outer.Cancel(nil)
			err := inner.Run(ctx, func(ctx context.Context) error { return deadline.Sleep(ctx, forever) })
			after = err == nil
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckElapsed(t, "outer.Run", start, time.Minute)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
		if !after {
			t.Error("the code after the time limit was skipped, want it to run")
		}
	})

	// catalogue: trio/test_timeouts.py::test_fail_after_fails_even_if_shielded
	bubbletest.Run(t, "fails at its own deadline", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Minute)
		inner.SetShield(true)
		start := time.Now()
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			outer.Cancel(nil)
			return deadline.FailScope(ctx, &inner, func(ctx context.Context) error { return deadline.Sleep(ctx, forever) })
		})
		if slow := new(deadline.TooSlowError); !errors.As(err, &slow) || slow.Limit != time.Minute {
			t.Errorf("outer.Run = %v, want a TooSlowError with a limit of 1m", err)
		}
		bubbletest.CheckElapsed(t, "outer.Run", start, time.Minute)
		bubbletest.CheckScope(t, "outer", &outer, true, false)
	})

	// catalogue: anyio/test_taskgroups.py::test_shielded_deadline
	bubbletest.Run(t, "whose deadline is later than the one outside", func(t *testing.T) {
		var outer, shielded, inner cancelscope.Scope
		outer.SetTimeout(10 * time.Second)
		shielded.SetShield(true)
		inner.SetTimeout(1000 * time.Second)
		outer.Run(t.Context(), func(ctx context.Context) error {
			return shielded.Run(ctx, func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					want := time.Now().Add(1000 * time.Second)
					if at := effective(t, ctx); !at.Equal(want) {
						t.Errorf("Effective = %v, want %v", at, want)
					}
					checkDeadline(t, ctx, want)
					return nil
				})
			})
		})
	})
}

func TestCancelOutsideFromInsideAShield(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_triple_nested_shield_checkpoint_in_outer
	t.Run("both scopes outside", func(t *testing.T) {
		var outer, middle, inner cancelscope.Scope
		inner.SetShield(true)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := middle.Run(ctx, func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					outer.Cancel(nil)
					middle.Cancel(nil)
					return deadline.Sleep(ctx, 0)
				})
			})
			bubbletest.CheckError(t, "middle.Run", err, nil)
			err = deadline.Sleep(ctx, 0)
			checkCancellation(t, "Sleep in the outer scope", ctx, err)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "middle", &middle, true, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	// catalogue: anyio/test_taskgroups.py::test_triple_nested_shield_checkpoint_in_middle
	t.Run("the outermost one", func(t *testing.T) {
		var outer, middle, inner cancelscope.Scope
		inner.SetShield(true)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return middle.Run(ctx, func(ctx context.Context) error {
				err := inner.Run(ctx, func(ctx context.Context) error {
					outer.Cancel(nil)
					return deadline.Sleep(ctx, 0)
				})
				bubbletest.CheckError(t, "inner.Run", err, nil)
				err = deadline.Sleep(ctx, 0)
				checkCancellation(t, "Sleep in the middle scope", ctx, err)
				return err
			})
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "middle", &middle, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})
}
