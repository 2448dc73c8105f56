package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestDeadlineFiresOnItsClock(t *testing.T) {
	// catalogue: trio/test_run.py::test_current_time_with_mock_clock
	bubbletest.Run(t, "fake time moves by what is slept", func(t *testing.T) {
		start := time.Now()
		bubbletest.CheckElapsed(t, "what came before", start, 0)
		bubbletest.CheckError(t, "Sleep", deadline.Sleep(t.Context(), 3*time.Second), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 3*time.Second)

		var s cancelscope.Scope
		s.SetTimeout(4 * time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(7*time.Second)) {
				t.Errorf("Deadline() = %v, %t, want %v: the scope's clock is another one", at, ok, start.Add(7*time.Second))
			}
			return deadline.SleepUntil(ctx, start.Add(5*time.Second))
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 5*time.Second)
	})

	// catalogue: trio/test_run.py::test_timekeeping
	t.Run("real time is never cut short", func(t *testing.T) {
		const limit = 5 * time.Millisecond
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), limit, sleepFor(year))
		if got := time.Since(start); !expired || err != nil || got < limit {
			t.Errorf("MoveOnAfter(%v) = %t, %v after %v, want true, nil, no sooner", limit, expired, err, got)
		}
	})

	// catalogue: trio/test_run.py::test_timekeeping
	bubbletest.Run(t, "nor exceeded", func(t *testing.T) {
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, sleepFor(year))
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(1s) = %t, %v, want true, nil", expired, err)
		}
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
	})

	// catalogue: trio/test_run.py::test_yield_briefly_checks_for_timeout
	bubbletest.Run(t, "a deadline that passes between two checkpoints", func(t *testing.T) {
		for _, busy := range []time.Duration{time.Second, 2 * time.Second} {
			expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
				bubbletest.CheckError(t, "first Sleep(0)", deadline.Sleep(ctx, 0), nil)
				time.Sleep(busy) // as a calculation would; and there is no timer, because Done has not been asked for
				err := deadline.Sleep(ctx, 0)
				bubbletest.CheckCanceled(t, "Sleep(0) at or after the deadline", err, cancelscope.ByDeadline)
				bubbletest.CheckCanceled(t, "Sleep(1ns) at or after the deadline", deadline.Sleep(ctx, 1), cancelscope.ByDeadline)
				return err
			})
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(1s) busy for %v = %t, %v, want true, nil", busy, expired, err)
			}
		}
	})

	// catalogue: trio/test_timeouts.py::test_sleep
	bubbletest.Run(t, "sleeping", func(t *testing.T) {
		start := time.Now()
		bubbletest.CheckError(t, "Sleep(2s)", deadline.Sleep(t.Context(), 2*time.Second), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 2*time.Second)
		bubbletest.CheckError(t, "SleepUntil(start+5s)", deadline.SleepUntil(t.Context(), start.Add(5*time.Second)), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 5*time.Second)
		bubbletest.CheckError(t, "SleepUntil(start)", deadline.SleepUntil(t.Context(), start), nil)
		bubbletest.CheckError(t, "Sleep(0)", deadline.Sleep(t.Context(), 0), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 5*time.Second)

		expired, err := deadline.MoveOnAt(t.Context(), time.Now(), func(ctx context.Context) error {
			bubbletest.CheckCanceled(t, "SleepUntil(start)", deadline.SleepUntil(ctx, start), cancelscope.ByDeadline)
			return deadline.Sleep(ctx, 0)
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAt(now) with Sleep(0) = %t, %v, want true, nil", expired, err)
		}
	})
}

// catalogue: trio/test_run.py::test_cancel_scope_deadline_duplicates
func TestDeadlineMovedOften(t *testing.T) {
	const moves = 2000
	bubbletest.Run(t, "the last one counts", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		err := s.Run(t.Context(), func(ctx context.Context) error {
			done := ctx.Done() // from here on there is a timer
			for i := range moves {
				s.SetDeadline(time.Now().Add(year))
				s.SetDeadline(time.Now().Add(time.Duration(i+1) * time.Second))
			}
			s.SetDeadline(time.Now().Add(time.Hour))
			// Over all the deadlines that were set and are no more.
			if err := deadline.Sleep(ctx, time.Hour-1); err != nil {
				t.Errorf("Sleep to just before the deadline = %v, want nil", err)
			}
			select {
			case <-done:
				t.Error("Done is closed before the deadline")
			default:
			}
			bubbletest.CheckScope(t, "s", &s, false, false)
			<-done
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, time.Hour)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	t.Run("without a new timer", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ctx.Done()
			now, far := time.Now(), time.Now().Add(year)
			earlier := time.Duration(0)
			allocs := testing.AllocsPerRun(moves, func() {
				earlier++
				s.SetDeadline(far)
				s.SetDeadline(now.Add(time.Hour - earlier)) // earlier each time, or the timer could stay as it is
			})
			if allocs != 0 {
				t.Errorf("SetDeadline twice: %v allocations, want 0", allocs)
			}
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
	})
}
