package cancelscope_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestScopeBeforeItsRun(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_cancel_before_entering_scope
	bubbletest.Run(t, "canceled", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(nil)
		start, after := time.Now(), false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			if err := deadline.Sleep(ctx, forever); err != nil {
				return err
			}
			after = true
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, 0)
		if after {
			t.Error("the code after the sleep has run, want it skipped")
		}
	})

	// catalogue: trio/test_run.py::test_cancel_unbound
	t.Run("all that can be done to it", testUnboundScope)

	// catalogue: trio/test_timeouts.py::test_timeout_deadline_on_entry
	bubbletest.Run(t, "with a timeout that counts from entry", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(5 * time.Second)
		s.SetShield(true)
		time.Sleep(3 * time.Second)
		entry := time.Now()
		check := func(when string, want time.Time) {
			t.Helper()
			if at, ok := s.Deadline(); !ok || !at.Equal(want) {
				t.Errorf("Deadline() %s = %v, %v, want %v", when, at, ok, want)
			}
		}
		var outer cancelscope.Scope
		outer.Cancel(nil)
		outer.Run(t.Context(), func(ctx context.Context) error {
			return deadline.FailScope(ctx, &s, func(ctx context.Context) error {
				checkOpen(t, "the context of a scope shielded before", ctx)
				check("after entry", entry.Add(5*time.Second))
				s.SetDeadline(entry.Add(6 * time.Second))
				check("after SetDeadline", entry.Add(6*time.Second))
				if got := time.Until(effective(t, ctx)); got != 6*time.Second {
					t.Errorf("time to the deadline after SetDeadline = %v, want 6s", got)
				}
				time.Sleep(time.Second)
				s.SetTimeout(7 * time.Second)
				check("after SetTimeout", entry.Add(8*time.Second))
				return nil
			})
		})
		check("after the end", entry.Add(8*time.Second))
	})

	// catalogue: trio/test_timeouts.py::test_invalid_access_unentered
	bubbletest.Run(t, "whose deadline is not known yet", func(t *testing.T) {
		var relative cancelscope.Scope
		relative.SetTimeout(time.Minute)
		if at, ok := relative.Deadline(); ok || !at.IsZero() {
			t.Errorf("Deadline() of a relative scope before Run = %v, %v, want the zero time, false", at, ok)
		}
		time.Sleep(time.Hour)
		bubbletest.CheckScope(t, "relative", &relative, false, false) // asking has changed nothing
		start := time.Now()
		bubbletest.CheckError(t, "Run", relative.Run(t.Context(), untilDone), nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)

		// Of two settings before Run the later one counts, of either kind; there is
		// nothing in Go to refuse it with.
		var absolute cancelscope.Scope
		want := time.Now().Add(time.Minute)
		absolute.SetTimeout(time.Hour)
		absolute.SetDeadline(want)
		if at, ok := absolute.Deadline(); !ok || !at.Equal(want) {
			t.Errorf("Deadline() of an absolute scope before Run = %v, %v, want %v, true", at, ok, want)
		}
		absolute.SetTimeout(time.Second)
		if at, ok := absolute.Deadline(); ok {
			t.Errorf("Deadline() of a scope made relative before Run = %v, want none yet", at)
		}
		start = time.Now()
		bubbletest.CheckError(t, "Run", absolute.Run(t.Context(), untilDone), nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
	})
}

// effective returns the deadline in force, which there must be.
func effective(t *testing.T, ctx context.Context) time.Time {
	t.Helper()
	at, ok := deadline.Effective(ctx)
	if !ok {
		t.Error("Effective: no deadline, want one")
	}
	return at
}

// testUnboundScope is one test in Trio, of everything that can be done to a scope
// before it is entered.
func testUnboundScope(t *testing.T) {
	bubbletest.Run(t, "cancel", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(nil)
		bubbletest.CheckScope(t, "s", &s, true, false)
		ran := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ran = true
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		if !ran {
			t.Error("the block did not run, want it to run to its first checkpoint")
		}
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
	bubbletest.Run(t, "shield", func(t *testing.T) {
		var outer, s cancelscope.Scope
		s.SetShield(true)
		outer.Cancel(nil)
		outer.Run(t.Context(), func(ctx context.Context) error {
			err := s.Run(ctx, func(ctx context.Context) error {
				bubbletest.CheckError(t, "Sleep under the shield", deadline.Sleep(ctx, 0), nil)
				s.SetShield(false)
				return deadline.Sleep(ctx, 0)
			})
			checkCancellation(t, "Run", ctx, err)
			return err
		})
		bubbletest.CheckScope(t, "s", &s, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})
	bubbletest.Run(t, "cancel from another goroutine later", func(t *testing.T) {
		var s cancelscope.Scope
		asleep := make(chan struct{})
		go func() {
			<-asleep
			synctest.Wait() // the block sleeps
			s.Cancel(nil)
		}()
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckScope(t, "s", &s, false, false)
			close(asleep)
			return deadline.Sleep(ctx, forever)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
	bubbletest.Run(t, "enter twice", func(t *testing.T) {
		var s cancelscope.Scope
		enter := func() { s.Run(t.Context(), func(context.Context) error { return nil }) }
		s.Run(t.Context(), func(context.Context) error {
			bubbletest.CheckPanics(t, "Run inside", "cancelscope: second Run", enter)
			other := make(chan struct{})
			go func() {
				defer close(other)
				bubbletest.CheckPanics(t, "Run in another goroutine", "cancelscope: second Run", enter)
			}()
			<-other
			return nil
		})
		bubbletest.CheckPanics(t, "Run afterwards", "cancelscope: second Run", enter)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
	bubbletest.Run(t, "cancel after the end", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(context.Context) error { return nil })
		bubbletest.CheckScope(t, "s after its end", &s, false, false)
		s.Cancel(nil)
		bubbletest.CheckScope(t, "s after Cancel", &s, true, false)
	})
	bubbletest.Run(t, "deadline before entry", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetDeadline(time.Now().Add(time.Minute))
		bubbletest.CheckScope(t, "s before its deadline", &s, false, false)
		time.Sleep(time.Hour)
		bubbletest.CheckScope(t, "s after its deadline", &s, true, false)
		s.SetDeadline(time.Time{})
		bubbletest.CheckScope(t, "s without a deadline", &s, true, false)
		s.SetDeadline(time.Now().Add(time.Hour))
		bubbletest.CheckScope(t, "s with a new deadline", &s, true, false)
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), untilDone), nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}
