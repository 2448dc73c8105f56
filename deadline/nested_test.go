package deadline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestNestedLimits(t *testing.T) {
	for name, busy := range map[string]time.Duration{"in a wait": 0, "before a wait": time.Second} {
		// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeouts
		bubbletest.Run(t, "the same deadline twice, "+name, func(t *testing.T) {
			at := time.Now().Add(time.Second)
			outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{Name: "inner"}
			outer.SetDeadline(at)
			inner.SetDeadline(at)
			err := deadline.FailScope(t.Context(), &outer, func(ctx context.Context) error {
				err := deadline.FailScope(ctx, &inner, func(ctx context.Context) error {
					time.Sleep(busy)
					err := deadline.Sleep(ctx, year)
					if c, ok := err.(*cancelscope.Canceled); !ok || c.Scope() != "outer" {
						t.Errorf("inside = %v, want a *Canceled of the scope outer", err)
					}
					return err
				})
				bubbletest.CheckCanceled(t, "inner FailScope", err, cancelscope.ByDeadline)
				if !cancelscope.IsCancellation(ctx, err) {
					t.Errorf("IsCancellation(outer, %v) = false, want true", err)
				}
				return err
			})
			bubbletest.CheckTooSlow(t, "outer FailScope", err, deadline.TooSlowError{Name: "outer", Limit: time.Second, Deadline: at})
			bubbletest.CheckScope(t, "outer", &outer, true, true)
			bubbletest.CheckScope(t, "inner", &inner, true, false)
		})
	}

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeouts_concurrent
	bubbletest.Run(t, "the outer deadline passes during blocking work", func(t *testing.T) {
		start := time.Now()
		var outer, inner cancelscope.Scope
		outer.SetTimeout(2 * time.Millisecond)
		inner.SetTimeout(100 * time.Millisecond)
		err := deadline.FailScope(t.Context(), &outer, func(ctx context.Context) error {
			err := deadline.FailScope(ctx, &inner, func(ctx context.Context) error {
				time.Sleep(10 * time.Millisecond)
				return deadline.Sleep(ctx, time.Second)
			})
			bubbletest.CheckCanceled(t, "inner FailScope", err, cancelscope.ByDeadline)
			return err
		})
		want := deadline.TooSlowError{Limit: 2 * time.Millisecond, Deadline: start.Add(2 * time.Millisecond)}
		bubbletest.CheckTooSlow(t, "outer FailScope", err, want)
		bubbletest.CheckElapsed(t, "what came before", start, 10*time.Millisecond)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeouts_loop_busy
	bubbletest.Run(t, "blocking work beyond the inner deadline", func(t *testing.T) {
		start := time.Now()
		err := deadline.FailAfter(t.Context(), 100*time.Millisecond, func(ctx context.Context) error {
			err := deadline.FailAfter(ctx, 10*time.Millisecond, func(ctx context.Context) error {
				time.Sleep(50 * time.Millisecond)
				return deadline.Sleep(ctx, time.Second)
			})
			want := deadline.TooSlowError{Limit: 10 * time.Millisecond, Deadline: start.Add(10 * time.Millisecond)}
			bubbletest.CheckTooSlow(t, "inner FailAfter", err, want)
			return deadline.Sleep(ctx, 10*time.Second)
		})
		want := deadline.TooSlowError{Limit: 100 * time.Millisecond, Deadline: start.Add(100 * time.Millisecond)}
		bubbletest.CheckTooSlow(t, "outer FailAfter", err, want)
		bubbletest.CheckElapsed(t, "what came before", start, 100*time.Millisecond)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeouts_loop_busy
	bubbletest.Run(t, "blocking work beyond both", func(t *testing.T) {
		start := time.Now()
		var inner cancelscope.Scope
		inner.SetTimeout(10 * time.Millisecond)
		err := deadline.FailAfter(t.Context(), 100*time.Millisecond, func(ctx context.Context) error {
			err := deadline.FailScope(ctx, &inner, func(ctx context.Context) error {
				time.Sleep(110 * time.Millisecond)
				return deadline.Sleep(ctx, time.Second)
			})
			bubbletest.CheckCanceled(t, "inner FailScope", err, cancelscope.ByDeadline)
			// Whatever the inner one returned, this wait fails at once.
			return deadline.Sleep(ctx, 10*time.Second)
		})
		want := deadline.TooSlowError{Limit: 100 * time.Millisecond, Deadline: start.Add(100 * time.Millisecond)}
		bubbletest.CheckTooSlow(t, "outer FailAfter", err, want)
		bubbletest.CheckElapsed(t, "what came before", start, 110*time.Millisecond)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeout_in_finally
	bubbletest.Run(t, "a timeout for cleaning up", func(t *testing.T) {
		start := time.Now()
		err := deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			work := deadline.Sleep(ctx, year)
			var s cancelscope.Scope
			s.SetShield(true) // a cancellation stays, other than in asyncio
			s.SetTimeout(time.Second)
			err := deadline.FailScope(ctx, &s, sleepFor(10*time.Second))
			bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(2 * time.Second)})
			return work
		})
		bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)})
		bubbletest.CheckElapsed(t, "what came before", start, 2*time.Second)
	})

	// catalogue: anyio/test_taskgroups.py::test_nested_move_on_after
	bubbletest.Run(t, "a short limit around a long one", func(t *testing.T) {
		start := time.Now()
		var outer, inner cancelscope.Scope
		outer.SetTimeout(100 * time.Millisecond)
		inner.SetTimeout(time.Second)
		reached := false
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				wantEffective(t, "in both", ctx, start.Add(100*time.Millisecond))
				return deadline.Sleep(ctx, 2*time.Second)
			})
			bubbletest.CheckCanceled(t, "inner Run", err, cancelscope.ByDeadline)
			if err != nil {
				return err
			}
			reached = true
			return nil
		})
		bubbletest.CheckError(t, "outer Run", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 100*time.Millisecond)
		if reached {
			t.Error("code after the inner block was reached")
		}
		bubbletest.CheckScope(t, "outer", &outer, true, true)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
	})

	// catalogue: anyio/test_taskgroups.py::test_timeout_error_with_multiple_cancellations
	bubbletest.Run(t, "a limit around a nursery", func(t *testing.T) {
		start := time.Now()
		err := deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(sleepFor(2 * time.Second))
				return deadline.Sleep(ctx, 2*time.Second)
			})
		})
		bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)})
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
	})
}

func TestNestedDeadlineThatMoves(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_deadline_moved
	bubbletest.Run(t, "to a later time", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(100 * time.Millisecond)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			at, _ := s.Deadline()
			s.SetDeadline(at.Add(300 * time.Millisecond))
			return deadline.Sleep(ctx, 200*time.Millisecond)
		})
		bubbletest.CheckError(t, "FailScope", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 200*time.Millisecond)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_reschedule
	bubbletest.Run(t, "by another task, and taken away", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetDeadline(start.Add(10 * time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- deadline.FailScope(ctx, &s, sleepFor(50*time.Second)) }()

		synctest.Wait() // the block sleeps, under the first deadline
		if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(10*time.Second)) {
			t.Errorf("Deadline() = %v, %t, want %v", at, ok, start.Add(10*time.Second))
		}
		s.SetDeadline(start.Add(20 * time.Second))
		if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(20*time.Second)) {
			t.Errorf("Deadline() after it was moved = %v, %t, want %v", at, ok, start.Add(20*time.Second))
		}
		time.Sleep(15 * time.Second)
		bubbletest.CheckScope(t, "s, after its first deadline,", &s, false, false)
		s.SetDeadline(time.Time{})
		if at, ok := s.Deadline(); ok {
			t.Errorf("Deadline() after it was taken away = %v, true, want none", at)
		}
		time.Sleep(15 * time.Second)
		bubbletest.CheckScope(t, "s, after its second deadline,", &s, false, false)
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("FailScope = %v, want the cause of the context around, %v", err, context.Canceled)
		}
		bubbletest.CheckCanceled(t, "Cause", s.Cause(), cancelscope.ByParent)
		bubbletest.CheckElapsed(t, "what came before", start, 30*time.Second)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
}
