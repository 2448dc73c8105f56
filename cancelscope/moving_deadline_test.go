package cancelscope_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
)

// A deadline given by the wall clock is read anew each time, a little differently. The
// same one, or an earlier one, is not later for that.
func TestSameWallClockDeadlineIsNotLater(t *testing.T) {
	for range 200 {
		wall := time.Now().Add(time.Hour).Round(0)
		var s cancelscope.Scope
		s.SetDeadline(wall)
		s.Run(t.Context(), func(ctx context.Context) error {
			s.SetDeadline(wall)
			s.SetDeadline(wall.Add(-1))
			s.SetDeadline(wall.Add(-1))
			if at, ok := s.Deadline(); !ok || at.After(wall) || at.Before(wall.Add(-1)) {
				t.Fatalf("Deadline() = %v, %v, want %v or a nanosecond before", at, ok, wall)
			}
			bubbletest.CheckPanics(t, "SetDeadline(a second later)", "cancelscope: deadline of a running scope moved to a later time: ",
				func() { s.SetDeadline(wall.Add(time.Second)) })
			return nil
		})
	}

	t.Run("of a deadline with a monotonic reading", func(t *testing.T) {
		for range 200 {
			var s cancelscope.Scope
			s.SetTimeout(time.Hour)
			s.Run(t.Context(), func(ctx context.Context) error {
				at, _ := s.Deadline()
				s.SetDeadline(at.Round(0))
				s.SetDeadline(at)
				if now, ok := s.Deadline(); !ok || now != at {
					t.Fatalf("Deadline() = %v, %v, want %v as before", now, ok, at)
				}
				checkOpen(t, "ctx", ctx)
				return nil
			})
		}
	})

	bubbletest.Run(t, "and it ends the scope as it would have", func(t *testing.T) {
		at := time.Now().Add(time.Hour)
		var s cancelscope.Scope
		s.SetDeadline(at)
		s.Run(t.Context(), func(ctx context.Context) error {
			ctx.Done()
			s.SetDeadline(at)
			bubbletest.CheckError(t, "wait", untilDone(ctx), context.DeadlineExceeded)
			return nil
		})
	})
}

// A deadline that moves while the scope runs ends it at the new time, looked at or not,
// and whatever has been set before.
func TestLateDeadline(t *testing.T) {
	for name, asked := range map[string]bool{"Done asked before": true, "Done not asked before": false} {
		bubbletest.Run(t, name, func(t *testing.T) {
			start := time.Now()
			var s, inner cancelscope.Scope
			s.SetTimeout(time.Hour)
			s.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					if asked {
						ctx.Done()
					}
					s.SetTimeout(time.Minute)
					checkDeadline(t, ctx, start.Add(time.Minute))
					bubbletest.CheckError(t, "wait", untilDone(ctx), context.Canceled)
					bubbletest.CheckElapsed(t, "wait", start, time.Minute)
					bubbletest.CheckError(t, "inner.Cause", inner.Cause(), s.Cause())
					causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
					return ctx.Err()
				})
			})
			bubbletest.CheckScope(t, "s", &s, true, true)
			bubbletest.CheckScope(t, "inner", &inner, false, false)
		})
	}
}

// CancelCalled of a scope whose own deadline has passed, but after that of the scope
// around: that one is the cause, and absorbs.
func TestCancelCalledDoesNotTakeTheOuterDeadlineForItsOwn(t *testing.T) {
	for _, look := range []bool{true, false} {
		bubbletest.Run(t, "", func(t *testing.T) {
			var outer, inner cancelscope.Scope
			outer.SetTimeout(time.Second)
			inner.SetTimeout(2 * time.Second)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				err := inner.Run(ctx, func(ctx context.Context) error {
					if look {
						ctx.Done()
					}
					time.Sleep(time.Minute)
					if !inner.CancelCalled() {
						t.Error("inner.CancelCalled() = false after its deadline, want true")
					}
					if c := causeOf(t, "ctx", ctx, cancelscope.ByDeadline); c != outer.Cause() {
						t.Errorf("context.Cause(ctx) = %v, want that of the outer scope, %v", c, outer.Cause())
					}
					return ctx.Err()
				})
				bubbletest.CheckError(t, "inner.Run", err, context.DeadlineExceeded)
				return err
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "inner", &inner, true, false)
			bubbletest.CheckScope(t, "outer", &outer, true, true)
		})
	}
}

// Under the race detector: a deadline is read while it moves.
func TestStressDeadlineIsReadWhileItMoves(t *testing.T) {
	stress.Run(t, 20, func(r *stress.Round) {
		s := cancelscope.Scope{Adjustable: true}
		s.Run(context.Background(), func(ctx context.Context) error {
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := range 100 {
					s.SetDeadline(time.Now().Add(time.Hour + time.Duration(i)))
				}
			})
			for range 100 {
				if at, ok := s.Deadline(); ok && time.Until(at) < time.Minute {
					r.Errorf("Deadline() = %v, which was never set", at)
				}
				ctx.Deadline()
			}
			wg.Wait()
			return nil
		})
	})
}

// To move a deadline costs no more with many scopes inside: none of them is visited.
func TestMovedDeadlineVisitsNobody(t *testing.T) {
	s := cancelscope.Scope{Adjustable: true}
	s.Run(t.Context(), func(ctx context.Context) error {
		var inner cancelscope.Scope
		return inner.Run(ctx, func(ctx context.Context) error {
			bubbletest.CheckError(t, "Err", poll(ctx), nil)
			undo := cancelscope.Hold(&inner) // a visit would wait for ever
			s.SetTimeout(time.Hour)
			s.SetTimeout(2 * time.Hour)
			s.SetDeadline(time.Now().Add(time.Hour))
			s.SetDeadline(time.Time{})
			undo()
			return nil
		})
	})
}

// A deadline that only the standard library's timer has noticed counts in verdicts.
func TestDeadlineThatOnlyATimerHasNoticed(t *testing.T) {
	bubbletest.Run(t, "", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.SetTimeout(time.Second)
		outer.Run(t.Context(), func(around context.Context) error {
			return inner.Run(around, func(ctx context.Context) error {
				derived, cancel := context.WithCancel(around)
				defer cancel()
				inner.Cancel(nil)
				bubbletest.CheckError(t, "Err", ctx.Err(), context.Canceled)
				<-derived.Done()
				cause := context.Cause(derived)
				bubbletest.CheckCanceled(t, "context.Cause(derived)", cause, cancelscope.ByDeadline)
				checkCancellation(t, "context.Cause(derived), inside", ctx, cause)
				return cause
			})
		})
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})
}
