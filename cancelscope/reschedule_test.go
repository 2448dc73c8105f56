package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// nothing is a block that does nothing.
func nothing(context.Context) error { return nil }

// catalogue: trio/test_run.py::test_cancel_scope_validation
func TestLastOfTwoDeadlinesCounts(t *testing.T) {
	// Both kinds of deadline need not be refused where each is set by a call of
	// its own, and a negative one means zero here.
	bubbletest.Run(t, "the last of two deadlines counts", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetDeadline(start.Add(time.Hour))
		s.SetTimeout(time.Second)
		if at, ok := s.Deadline(); ok {
			t.Errorf("Deadline() before Run = %v, true, want none: the timeout counts from the entry", at)
		}
		time.Sleep(time.Minute)
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), untilDone), nil)
		bubbletest.CheckElapsed(t, "SetDeadline, SetTimeout, a minute and Run", start, time.Minute+time.Second)
		bubbletest.CheckScope(t, "s", &s, true, true)

		start = time.Now()
		var r cancelscope.Scope
		r.SetTimeout(time.Hour)
		r.SetDeadline(start.Add(time.Second))
		bubbletest.CheckError(t, "Run", r.Run(t.Context(), untilDone), nil)
		bubbletest.CheckElapsed(t, "SetTimeout, SetDeadline and Run", start, time.Second)
		bubbletest.CheckScope(t, "r", &r, true, true)
	})

	bubbletest.Run(t, "negative is zero, on construction", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(-time.Hour)
		ran := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ran = true
			if at, ok := s.Deadline(); !ok || !at.Equal(start) {
				t.Errorf("Deadline() = %v, %t, want the time of entry %v", at, ok, start)
			}
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, 0)
		bubbletest.CheckScope(t, "s", &s, true, true)
		if !ran {
			t.Error("SetTimeout(-1h) before Run: the block did not run")
		}
	})

	bubbletest.Run(t, "negative is zero, on assignment", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			checkOpen(t, "ctx", ctx)
			s.SetTimeout(-time.Hour)
			checkDone(t, "ctx", ctx, context.Canceled)
			if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("context.Cause(ctx) = %v, want the deadline", err)
			}
			if at, ok := s.Deadline(); !ok || !at.Equal(start) {
				t.Errorf("Deadline() = %v, %t, want now, %v", at, ok, start)
			}
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "and a valid one counts afterwards", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(-time.Hour)
		s.SetTimeout(time.Minute)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckPanics(t, "SetTimeout(1h)", "cancelscope: deadline of a running scope moved to a later time: ", func() { s.SetTimeout(time.Hour) })
			s.SetTimeout(time.Second)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}

func TestRunTwice(t *testing.T) {
	const second = "cancelscope: second Run of a Scope: "

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_already_entered
	bubbletest.Run(t, "from inside", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		again := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckPanics(t, "Run inside Run", second, func() {
				_ = s.Run(ctx, func(context.Context) error { again = true; return nil })
			})
			// The first Run continues undisturbed.
			checkOpen(t, "ctx", ctx)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		if again {
			t.Error("Run inside Run ran its function")
		}
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_double_enter
	t.Run("after the end", func(t *testing.T) {
		var s cancelscope.Scope
		bubbletest.CheckError(t, "first Run", s.Run(t.Context(), nothing), nil)
		again := false
		bubbletest.CheckPanics(t, "second Run", second, func() {
			_ = s.Run(t.Context(), func(context.Context) error { again = true; return nil })
		})
		if again {
			t.Error("second Run ran its function")
		}
	})
}

// In asyncio a timeout can be rescheduled only while it is active. Here, as in
// Trio, that is allowed at other times, and has no effect on what is over.
func TestReschedule(t *testing.T) {
	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_not_entered
	bubbletest.Run(t, "before Run", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetDeadline(start.Add(time.Hour))
		s.SetDeadline(start.Add(time.Second))
		if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(time.Second)) {
			t.Errorf("Deadline() before Run = %v, %t, want %v", at, ok, start.Add(time.Second))
		}
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), untilDone), nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_finished
	bubbletest.Run(t, "after an end in time", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Hour)
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), nothing), nil)
		moveEnded(t, &s, start.Add(time.Hour))
		bubbletest.CheckScope(t, "s", &s, false, false)
		bubbletest.CheckError(t, "Cause()", s.Cause(), nil)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_expired
	bubbletest.Run(t, "after it has fired and the block has ended", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), untilDone), nil)
		cause := s.Cause()
		moveEnded(t, &s, start.Add(time.Second))
		bubbletest.CheckScope(t, "s", &s, true, true)
		bubbletest.CheckError(t, "Cause()", s.Cause(), cause)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_expiring
	bubbletest.Run(t, "after it has fired, in the block", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "ctx.Err()", untilDone(ctx), context.DeadlineExceeded)
			cause := causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
			s.SetTimeout(time.Hour)
			s.SetDeadline(time.Time{})
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), cause)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_expiring
	bubbletest.Run(t, "after it has passed unnoticed", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(2 * time.Second)
			s.SetTimeout(time.Hour)
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_expiring
	bubbletest.Run(t, "which a scope that is not adjustable refuses", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := untilDone(ctx)
			bubbletest.CheckPanics(t, "SetTimeout(1h)", "cancelscope: deadline of a running scope moved to a later time: ", func() { s.SetTimeout(time.Hour) })
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}

// moveEnded moves the deadline of a scope that has ended, in all ways, and checks
// that it stays where it was.
func moveEnded(t *testing.T, s *cancelscope.Scope, want time.Time) {
	t.Helper()
	s.SetTimeout(0)
	s.SetTimeout(time.Hour)
	s.SetDeadline(time.Now().Add(-time.Hour))
	s.SetDeadline(time.Time{})
	if at, ok := s.Deadline(); !ok || !at.Equal(want) {
		t.Errorf("Deadline() after the end = %v, %t, want %v, true", at, ok, want)
	}
}
