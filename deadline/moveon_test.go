package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func TestMoveOnEndsItsBlock(t *testing.T) {
	// catalogue: trio/test_timeouts.py::test_move_on_after
	inBubble(t, "quietly", func(t *testing.T) {
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, sleepFor(year))
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %t, %v, want true, nil", expired, err)
		}
		wantElapsed(t, start, time.Second)
	})

	for _, limit := range []time.Duration{0, 100 * time.Millisecond} {
		// catalogue: anyio/test_taskgroups.py::test_move_on_after
		inBubble(t, "relative "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(limit)
			moveOn(t, &s, limit)
			expired, err := deadline.MoveOnAfter(t.Context(), limit, sleepFor(year))
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(%v) = %t, %v, want true, nil", limit, expired, err)
			}
		})

		// catalogue: anyio/test_taskgroups.py::test_move_on_at
		inBubble(t, "absolute "+limit.String(), func(t *testing.T) {
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
	inBubble(t, "at the first checkpoint", func(t *testing.T) {
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
		wantElapsed(t, start, 0)
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
	wantNil(t, "Run", err)
	wantElapsed(t, start, limit)
	wantFlags(t, "s", s, true, true)
	if reached {
		t.Error("the rest of the block was not skipped")
	}
}

func TestMoveOnThatNeverFires(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_move_on_after_no_timeout
	inBubble(t, "never set", func(t *testing.T) {
		var s cancelscope.Scope
		finishes(t, &s)
	})

	// catalogue: anyio/test_taskgroups.py::test_move_on_at_no_timeout
	inBubble(t, "zero time", func(t *testing.T) {
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
	wantNil(t, "Run", err)
	wantElapsed(t, start, year)
	wantFlags(t, "s", s, false, false)
}

// catalogue: trio/test_run.py::test_basic_timeout
func TestMoveOnCancelsEveryWait(t *testing.T) {
	inBubble(t, "after the end", func(t *testing.T) {
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
		wantNil(t, "Run", err)
		wantFlags(t, "s", &s, false, false)
		time.Sleep(2 * time.Second)
		wantFlags(t, "s, when its deadline has passed,", &s, false, false)
		wantNil(t, "Cause()", s.Cause())
	})

	inBubble(t, "inside", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetDeadline(start.Add(time.Second))
		wantNil(t, "Run", s.Run(t.Context(), sleepFor(year)))
		wantElapsed(t, start, time.Second)
		wantFlags(t, "s", &s, true, true)
	})

	inBubble(t, "moved into the past", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			wantNil(t, "Sleep(0)", deadline.Sleep(ctx, 0))
			s.SetDeadline(start.Add(-10 * time.Second))
			for range 3 {
				wantCanceled(t, "Sleep(0)", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
				wantCanceled(t, "Sleep(year)", deadline.Sleep(ctx, year), cancelscope.ByDeadline)
			}
			return deadline.Sleep(ctx, 0)
		})
		wantNil(t, "Run", err)
		wantElapsed(t, start, 0)
		wantFlags(t, "s", &s, true, true)
	})
}
