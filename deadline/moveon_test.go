package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestMoveOnEndsItsBlock(t *testing.T) {
	// catalogue: trio/test_timeouts.py::test_move_on_after
	bubbletest.Run(t, "quietly", func(t *testing.T) {
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, sleepFor(year))
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %t, %v, want true, nil", expired, err)
		}
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
	})

	for _, limit := range []time.Duration{0, 100 * time.Millisecond} {
		// catalogue: anyio/test_taskgroups.py::test_move_on_after
		bubbletest.Run(t, "relative "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(limit)
			moveOn(t, &s, limit)
			expired, err := deadline.MoveOnAfter(t.Context(), limit, sleepFor(year))
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(%v) = %t, %v, want true, nil", limit, expired, err)
			}
		})

		// catalogue: anyio/test_taskgroups.py::test_move_on_at
		bubbletest.Run(t, "absolute "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetDeadline(time.Now().Add(limit))
			moveOn(t, &s, limit)
			expired, err := deadline.MoveOnAt(t.Context(), time.Now().Add(limit), sleepFor(year))
			if !expired || err != nil {
				t.Errorf("MoveOnAt(now+%v) = %t, %v, want true, nil", limit, expired, err)
			}
		})
	}

	// catalogue: anyio/test_taskgroups.py::test_deadline_reached_on_start
	bubbletest.Run(t, "at the first checkpoint", func(t *testing.T) {
		start := time.Now()
		ran, reached := false, false
		expired, err := deadline.MoveOnAfter(t.Context(), 0, func(ctx context.Context) error {
			ran = true
			if err := deadline.Sleep(ctx, 0); err != nil {
				return err
			}
			reached = true
			return nil
		})
		if !expired || err != nil || !ran || reached {
			t.Errorf("MoveOnAfter(0) = %t, %v, block begun %t, first checkpoint passed %t, want true, nil, true, false", expired, err, ran, reached)
		}
		bubbletest.CheckElapsed(t, "what came before", start, 0)
	})
}

// moveOn runs a block that would take a year in s, which has limit.
func moveOn(t *testing.T, s *cancelscope.Scope, limit time.Duration) {
	t.Helper()
	start := time.Now()
	reached := false
	err := s.Run(t.Context(), func(ctx context.Context) error {
		if err := deadline.Sleep(ctx, year); err != nil {
			return err
		}
		reached = true
		return nil
	})
	bubbletest.CheckError(t, "Run", err, nil)
	bubbletest.CheckElapsed(t, "what came before", start, limit)
	bubbletest.CheckScope(t, "s", s, true, true)
	if reached {
		t.Error("the rest of the block was not skipped")
	}
}

func TestMoveOnThatNeverFires(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_move_on_after_no_timeout
	bubbletest.Run(t, "never set", func(t *testing.T) {
		var s cancelscope.Scope
		finishes(t, &s)
	})

	// catalogue: anyio/test_taskgroups.py::test_move_on_at_no_timeout
	bubbletest.Run(t, "zero time", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetDeadline(time.Time{})
		finishes(t, &s)

		ran := false
		expired, err := deadline.MoveOnAt(context.Background(), time.Time{}, func(ctx context.Context) error {
			wantEffective(t, "inside", ctx, time.Time{})
			ran = true
			return deadline.Sleep(ctx, year)
		})
		if expired || err != nil || !ran {
			t.Errorf("MoveOnAt(zero) = %t, %v, run %t, want false, nil, true", expired, err, ran)
		}
	})
}

// finishes runs a block of a year in s, which has no deadline.
func finishes(t *testing.T, s *cancelscope.Scope) {
	t.Helper()
	start := time.Now()
	err := s.Run(context.Background(), func(ctx context.Context) error {
		if at, ok := s.Deadline(); ok {
			t.Errorf("Deadline() = %v, true, want none", at)
		}
		wantEffective(t, "inside", ctx, time.Time{})
		return deadline.Sleep(ctx, year)
	})
	bubbletest.CheckError(t, "Run", err, nil)
	bubbletest.CheckElapsed(t, "what came before", start, year)
	bubbletest.CheckScope(t, "s", s, false, false)
}

// catalogue: trio/test_run.py::test_basic_timeout
func TestMoveOnCancelsEveryWait(t *testing.T) {
	bubbletest.Run(t, "after the end", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		var s cancelscope.Scope
		if got, ok := s.Deadline(); ok {
			t.Errorf("Deadline() of a new scope = %v, true, want none", got)
		}
		err := s.Run(t.Context(), func(ctx context.Context) error {
			if got, ok := s.Deadline(); ok {
				t.Errorf("Deadline() = %v, true, want none", got)
			}
			s.SetDeadline(at)
			if got, ok := s.Deadline(); !ok || !got.Equal(at) {
				t.Errorf("Deadline() = %v, %t, want %v", got, ok, at)
			}
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		time.Sleep(2 * time.Second)
		bubbletest.CheckScope(t, "s, when its deadline has passed,", &s, false, false)
		bubbletest.CheckError(t, "Cause()", s.Cause(), nil)
	})

	bubbletest.Run(t, "inside", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetDeadline(start.Add(time.Second))
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), sleepFor(year)), nil)
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "moved into the past", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "Sleep(0)", deadline.Sleep(ctx, 0), nil)
			s.SetDeadline(start.Add(-10 * time.Second))
			for range 3 {
				bubbletest.CheckCanceled(t, "Sleep(0)", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
				bubbletest.CheckCanceled(t, "Sleep(year)", deadline.Sleep(ctx, year), cancelscope.ByDeadline)
			}
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 0)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}
