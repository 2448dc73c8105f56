package deadline_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
)

// catalogue: trio/test_timeouts.py::test_sleep
func TestSleep(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		if err := deadline.Sleep(ctx, time.Minute); err != nil || workflow.Now(ctx).Sub(start) != time.Minute {
			t.Errorf("Sleep = %v after %v, want nil after a minute", err, workflow.Now(ctx).Sub(start))
		}
		if err := deadline.SleepUntil(ctx, start.Add(time.Hour)); err != nil || workflow.Now(ctx).Sub(start) != time.Hour {
			t.Errorf("SleepUntil = %v at %v, want nil after an hour", err, workflow.Now(ctx).Sub(start))
		}
		if err := deadline.SleepUntil(ctx, start); err != nil || workflow.Now(ctx).Sub(start) != time.Hour {
			t.Errorf("SleepUntil a time that is past = %v, want nil at once", err)
		}
	})
}

// A sleep that is canceled ends at once, also in the SDK's own timer.
//
// catalogue: trio/test_run.py::test_yield_briefly_checks_for_timeout
func TestSleepIsCanceled(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		start := workflow.Now(ctx)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			if err := deadline.Sleep(ctx, time.Hour); err != s.Cause() || err == nil {
				t.Errorf("Sleep = %v, want the cause of the scope", err)
			}
			for _, d := range []time.Duration{-1, 0, time.Hour} {
				if err := deadline.Sleep(ctx, d); err != s.Cause() {
					t.Errorf("Sleep(%v) in the canceled scope = %v, want its cause", d, err)
				}
			}
			return nil
		})
		if d := workflow.Now(ctx).Sub(start); d != time.Second {
			t.Errorf("the sleeps took %v, want a second", d)
		}
	})
}

// Where a sleep and a deadline are due together because the worker was away, the earlier one
// counts. The test environment is late in this way when a coroutine holds it up: both timers have
// fired when the sleeping code runs.
func TestSleepThatEndedBeforeALateDeadline(t *testing.T) {
	for _, test := range []struct {
		sleep, deadline time.Duration
		canceled        bool
	}{
		{time.Second, 2 * time.Second, false},
		{2 * time.Second, time.Second, true},
		{time.Second, time.Second, true},
	} {
		inWorkflow(t, func(ctx workflow.Context) {
			var s cancelscope.Scope
			s.SetTimeout(test.deadline)
			err := s.Run(ctx, func(ctx workflow.Context) error {
				return deadline.Sleep(ctx, test.sleep)
			})
			if err != nil || s.CanceledCaught() != test.canceled {
				t.Errorf("Sleep(%v) under a deadline of %v: canceled: %t, want %t", test.sleep, test.deadline, s.CanceledCaught(), test.canceled)
			}
		})
	}
}

// catalogue: trio/test_run.py::test_current_effective_deadline
func TestEffective(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		check := func(ctx workflow.Context, where string, want time.Duration, wantOK bool) {
			t.Helper()
			got, ok := deadline.Effective(ctx)
			if ok != wantOK || ok && !got.Equal(start.Add(want)) {
				t.Errorf("Effective %s = %v, %t, want %v, %t", where, got.Sub(start), ok, want, wantOK)
			}
		}
		check(ctx, "outside", 0, false)
		_, _ = deadline.MoveOnAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			check(ctx, "in a scope", time.Hour, true)
			between, cancel := workflow.WithCancel(ctx)
			defer cancel()
			check(between, "in a context of the SDK", time.Hour, true)
			_, _ = deadline.MoveOnAfter(between, 2*time.Hour, func(ctx workflow.Context) error {
				check(ctx, "in a scope with a later one", time.Hour, true)
				return nil
			})
			_, _ = deadline.MoveOnAfter(ctx, time.Minute, func(ctx workflow.Context) error {
				check(ctx, "in a scope with an earlier one", time.Minute, true)
				return nil
			})
			var shielded cancelscope.Scope
			shielded.SetShield(true)
			return shielded.Run(ctx, func(ctx workflow.Context) error {
				check(ctx, "under a shield", 0, false)
				shielded.SetTimeout(3 * time.Hour)
				check(ctx, "under a shield with a deadline", 3*time.Hour, true)
				shielded.Cancel(nil)
				if got, ok := deadline.Effective(ctx); !ok || !got.IsZero() {
					t.Errorf("Effective in a canceled scope = %v, %t, want the zero time, true", got, ok)
				}
				return nil
			})
		})
	})
}
