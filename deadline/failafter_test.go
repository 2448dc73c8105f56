package deadline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestFailAfterReportsAnOverrun(t *testing.T) {
	// catalogue: trio/test_timeouts.py::test_fail
	bubbletest.Run(t, "only if the time is exceeded", func(t *testing.T) {
		start := time.Now()
		want := deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)}
		bubbletest.CheckTooSlow(t, "FailAfter", deadline.FailAfter(t.Context(), time.Second, sleepFor(year)), want)
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)

		want = deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(2 * time.Second)}
		bubbletest.CheckTooSlow(t, "FailAt", deadline.FailAt(t.Context(), start.Add(2*time.Second), sleepFor(year)), want)
		bubbletest.CheckElapsed(t, "what came before", start, 2*time.Second)

		bubbletest.CheckError(t, "FailAfter in time", deadline.FailAfter(t.Context(), year, sleepFor(time.Second)), nil)
		bubbletest.CheckError(t, "FailAt in time", deadline.FailAt(t.Context(), start.Add(year), sleepFor(time.Second)), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 4*time.Second)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_basic
	bubbletest.Run(t, "relative", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		want := deadline.TooSlowError{Limit: time.Second, Deadline: time.Now().Add(time.Second)}
		bubbletest.CheckTooSlow(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(year)), want)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_at_basic
	bubbletest.Run(t, "absolute", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		var s cancelscope.Scope
		s.SetDeadline(at)
		want := deadline.TooSlowError{Limit: time.Second, Deadline: at}
		bubbletest.CheckTooSlow(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(year)), want)
		bubbletest.CheckScope(t, "s", &s, true, true)
		if got, ok := s.Deadline(); !ok || !got.Equal(at) {
			t.Errorf("Deadline() afterwards = %v, %t, want %v", got, ok, at)
		}
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_waiter_cancelled
	bubbletest.Run(t, "inside a cancellation, outside a failure", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		err := deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			err := deadline.Sleep(ctx, year)
			bubbletest.CheckCanceled(t, "Sleep inside", err, cancelscope.ByDeadline)
			if !cancelscope.IsCancellation(ctx, err) {
				t.Errorf("IsCancellation(ctx, %v) inside = false, want true", err)
			}
			return err
		})
		bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_not_called
	bubbletest.Run(t, "work that finishes in time", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		bubbletest.CheckError(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(time.Second)), nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		if at, ok := s.Deadline(); !ok || time.Until(at) != 59*time.Second {
			t.Errorf("Deadline() afterwards = in %v, %t, want in 59s, true", time.Until(at), ok)
		}
		time.Sleep(time.Hour)
		bubbletest.CheckScope(t, "s, an hour later,", &s, false, false)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_foreign_exception_passed
	bubbletest.Run(t, "an error of the work", func(t *testing.T) {
		broken := errors.New("broken")
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		err := deadline.FailScope(t.Context(), &s, func(context.Context) error { return broken })
		if err != broken {
			t.Errorf("FailScope = %v, want %v itself", err, broken)
		}
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
}

func TestZeroLimit(t *testing.T) {
	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_zero
	bubbletest.Run(t, "the first wait fails", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(0)
		ran := false
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			ran = true
			return deadline.Sleep(ctx, 10*time.Second)
		})
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Deadline: start})
		bubbletest.CheckElapsed(t, "what came before", start, 0)
		bubbletest.CheckScope(t, "s", &s, true, true)
		if !ran {
			t.Error("FailScope did not run its function")
		}
		if at, ok := s.Deadline(); !ok || !at.Equal(start) {
			t.Errorf("Deadline() = %v, %t, want the time of entry %v", at, ok, start)
		}
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_zero_sleep_zero
	bubbletest.Run(t, "also if it would not block", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(0)
		at := time.Now()
		bubbletest.CheckTooSlow(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(0)), deadline.TooSlowError{Deadline: at})
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_in_the_past_sleep_zero
	bubbletest.Run(t, "negative counts as zero", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(-11 * time.Second)
		at := time.Now()
		bubbletest.CheckTooSlow(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(0)), deadline.TooSlowError{Deadline: at})
		bubbletest.CheckScope(t, "s", &s, true, true)

		past := at.Add(-11 * time.Second)
		bubbletest.CheckTooSlow(t, "FailAt in the past", deadline.FailAt(t.Context(), past, sleepFor(0)), deadline.TooSlowError{Deadline: past})
	})
}

func TestFailAfterInTime(t *testing.T) {
	tests := []struct {
		name string
		set  func(s *cancelscope.Scope)
	}{
		// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_disabled
		// catalogue: anyio/test_taskgroups.py::test_fail_after_no_timeout
		{"never set", func(s *cancelscope.Scope) {}},
		// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_at_disabled
		// catalogue: anyio/test_taskgroups.py::test_fail_at_no_timeout
		{"zero time", func(s *cancelscope.Scope) { s.SetDeadline(time.Time{}) }},
		{"lifted", func(s *cancelscope.Scope) { s.SetTimeout(1); s.SetDeadline(time.Time{}) }},
	}
	for _, test := range tests {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			var s cancelscope.Scope
			test.set(&s)
			err := deadline.FailScope(context.Background(), &s, func(ctx context.Context) error {
				if at, ok := s.Deadline(); ok {
					t.Errorf("Deadline() = %v, true, want none", at)
				}
				if at, ok := ctx.Deadline(); ok {
					t.Errorf("ctx.Deadline() = %v, true, want none", at)
				}
				wantEffective(t, "inside", ctx, time.Time{})
				return deadline.Sleep(ctx, year)
			})
			bubbletest.CheckError(t, "FailScope", err, nil)
			bubbletest.CheckScope(t, "s", &s, false, false)
		})
	}

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_at_disabled
	// catalogue: anyio/test_taskgroups.py::test_fail_at_no_timeout
	bubbletest.Run(t, "FailAt", func(t *testing.T) {
		err := deadline.FailAt(context.Background(), time.Time{}, func(ctx context.Context) error {
			wantEffective(t, "inside", ctx, time.Time{})
			return deadline.Sleep(ctx, year)
		})
		bubbletest.CheckError(t, "FailAt(zero)", err, nil)
	})
}

func TestFailAfterAndACancellation(t *testing.T) {
	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_outer_task_is_not_cancelled
	bubbletest.Run(t, "a task that has dealt with its timeout", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", func(ctx context.Context) (string, error) {
				at := time.Now().Add(time.Second)
				err := deadline.FailAfter(ctx, time.Second, sleepFor(year))
				bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
				if ctx.Err() != nil {
					t.Errorf("ctx.Err() after FailAfter = %v, want nil", ctx.Err())
				}
				return "finished", deadline.Sleep(ctx, 0)
			})
			if value, err := task.Wait(ctx); value != "finished" || err != nil {
				t.Errorf("Wait = %q, %v, want finished, nil", value, err)
			}
			return nil
		})
		bubbletest.CheckError(t, "nursery.Run", err, nil)
	})

	// catalogue: anyio/test_taskgroups.py::test_fail_after_after_cancellation
	bubbletest.Run(t, "after a nursery that was canceled", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().Cancel(nil)
			return deadline.Sleep(ctx, year)
		})
		bubbletest.CheckError(t, "nursery.Run", err, nil)
		at := time.Now().Add(time.Second)
		err = deadline.FailAfter(t.Context(), time.Second, sleepFor(year))
		bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_after_cancellation
	bubbletest.Run(t, "in a task that has swallowed its cancellation", func(t *testing.T) {
		var task cancelscope.Scope
		task.Cancel(nil)
		err := task.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckCanceled(t, "swallowed Sleep", deadline.Sleep(ctx, 0), cancelscope.ByCall)

			// In asyncio a cancellation comes once. Here it stays ...
			err := deadline.FailAfter(ctx, time.Second, sleepFor(year))
			bubbletest.CheckCanceled(t, "FailAfter without a shield", err, cancelscope.ByCall)

			// ... and a shield keeps it off.
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			s.SetShield(true)
			at := time.Now().Add(time.Second)
			err = deadline.FailScope(ctx, &s, sleepFor(year))
			bubbletest.CheckTooSlow(t, "FailScope with a shield", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_foreign_cancel_doesnt_timeout_if_not_expired
	bubbletest.Run(t, "a cancellation from outside, before the deadline", func(t *testing.T) {
		var outer, s cancelscope.Scope
		time.AfterFunc(time.Second, func() { outer.Cancel(nil) })
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			s.SetTimeout(time.Minute)
			err := deadline.FailScope(ctx, &s, sleepFor(year))
			bubbletest.CheckCanceled(t, "FailScope", err, cancelscope.ByCall)
			return err
		})
		bubbletest.CheckError(t, "outer Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})
}

func TestFailAfterOfAScope(t *testing.T) {
	for _, limit := range []time.Duration{0, 100 * time.Millisecond} {
		// catalogue: anyio/test_taskgroups.py::test_fail_after
		bubbletest.Run(t, "relative "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(limit)
			overrun(t, &s, limit)
		})

		// catalogue: anyio/test_taskgroups.py::test_fail_at
		bubbletest.Run(t, "absolute "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetDeadline(time.Now().Add(limit))
			overrun(t, &s, limit)
		})
	}
	// catalogue: anyio/test_taskgroups.py::test_fail_at
	bubbletest.Run(t, "FailAt now", func(t *testing.T) {
		at := time.Now()
		bubbletest.CheckTooSlow(t, "FailAt(now)", deadline.FailAt(t.Context(), at, sleepFor(year)), deadline.TooSlowError{Deadline: at})
	})
}

// overrun runs a block that would take a year in s, which has limit.
func overrun(t *testing.T, s *cancelscope.Scope, limit time.Duration) {
	t.Helper()
	start := time.Now()
	err := deadline.FailScope(t.Context(), s, func(ctx context.Context) error {
		err := deadline.Sleep(ctx, year)
		bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByDeadline)
		if cause := context.Cause(ctx); !strings.Contains(cause.Error(), "deadline") {
			t.Errorf("context.Cause(ctx) = %q, want the word deadline in it", cause)
		}
		return err
	})
	bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: limit, Deadline: start.Add(limit)})
	bubbletest.CheckElapsed(t, "what came before", start, limit)
	bubbletest.CheckScope(t, "s", s, true, true)
}

func TestTooSlowNamesTheLimit(t *testing.T) {
	tests := []struct {
		name string
		set  func(s *cancelscope.Scope)
	}{
		// catalogue: anyio/test_taskgroups.py::test_fail_after_reason
		{"relative", func(s *cancelscope.Scope) { s.SetTimeout(time.Second) }},
		// catalogue: anyio/test_taskgroups.py::test_fail_at_reason
		{"absolute", func(s *cancelscope.Scope) { s.SetDeadline(time.Now().Add(time.Second)) }},
	}
	for _, test := range tests {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			at := time.Now().Add(time.Second)
			s := cancelscope.Scope{Name: "waiting for the ferry"}
			test.set(&s)
			err := deadline.FailScope(t.Context(), &s, sleepFor(year))
			want := deadline.TooSlowError{Name: "waiting for the ferry", Limit: time.Second, Deadline: at}
			bubbletest.CheckTooSlow(t, "FailScope", err, want)
			if err != nil && !strings.Contains(err.Error(), `"waiting for the ferry"`) {
				t.Errorf("FailScope: error %q, want the scope's name in it", err)
			}
			bubbletest.CheckScope(t, "s", &s, true, true)
		})
	}
}

func TestFailAfterCanceledByHand(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_fail_after_cancelled_before_deadline
	bubbletest.Run(t, "before the deadline", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.Cancel(nil)
			return deadline.Sleep(ctx, year)
		})
		bubbletest.CheckError(t, "FailScope", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 0)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	// catalogue: anyio/test_taskgroups.py::test_fail_after_scope_cancelled_before_timeout
	bubbletest.Run(t, "and the deadline passes before the next checkpoint", func(t *testing.T) {
		start := time.Now()
		stop := errors.New("stop")
		var s cancelscope.Scope
		s.SetTimeout(100 * time.Millisecond)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.Cancel(stop)
			time.Sleep(110 * time.Millisecond)
			err := deadline.Sleep(ctx, 0)
			bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByCall)
			if !errors.Is(err, stop) {
				t.Errorf("Sleep = %v, want the reason %v of the first cancellation in it", err, stop)
			}
			return err
		})
		bubbletest.CheckError(t, "FailScope", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, 110*time.Millisecond)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}
