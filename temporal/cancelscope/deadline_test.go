package cancelscope_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// timers counts the timers that a workflow starts.
func timers(env *wftest.Env) *int {
	count := new(int)
	env.SetOnTimerScheduledListener(func(string, time.Duration) { *count++ })
	return count
}

// catalogue: anyio/test_taskgroups.py::test_deadline_moved
// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_reschedule
// catalogue: anyio/test_taskgroups.py::test_deadline_reached_on_start
// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_zero
func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(ctx workflow.Context, s *cancelscope.Scope)
		after  func(ctx workflow.Context, s *cancelscope.Scope) // 1 second after entry
		ends   time.Duration                                    // of a block of an hour
		timers int                                              // of the scope
	}{
		{name: "none", ends: time.Hour},
		{name: "a timeout", ends: 10 * time.Second, timers: 1,
			before: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(10 * time.Second) }},
		{name: "a time", ends: 10 * time.Second, timers: 1,
			before: func(ctx workflow.Context, s *cancelscope.Scope) {
				s.SetDeadline(workflow.Now(ctx).Add(10 * time.Second))
			}},
		{name: "passed on entry", ends: time.Second, // the code that waits looks after a second
			before: func(ctx workflow.Context, s *cancelscope.Scope) { s.SetTimeout(-time.Second) }},
		{name: "the last one that is set counts", ends: 10 * time.Second, timers: 1,
			before: func(_ workflow.Context, s *cancelscope.Scope) {
				s.SetTimeout(time.Minute)
				s.SetTimeout(10 * time.Second)
			}},
		{name: "set while running", ends: 11 * time.Second, timers: 1,
			after: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(10 * time.Second) }},
		{name: "moved earlier", ends: 3 * time.Second, timers: 2,
			before: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(time.Minute) },
			after:  func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(2 * time.Second) }},
		{name: "moved later", ends: 21 * time.Second, timers: 2,
			before: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(10 * time.Second) },
			after:  func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(20 * time.Second) }},
		{name: "lifted", ends: time.Hour, timers: 1,
			before: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(10 * time.Second) },
			after:  func(_ workflow.Context, s *cancelscope.Scope) { s.SetDeadline(time.Time{}) }},
		{name: "moved into the past", ends: time.Second, timers: 1,
			before: func(_ workflow.Context, s *cancelscope.Scope) { s.SetTimeout(10 * time.Second) },
			after: func(ctx workflow.Context, s *cancelscope.Scope) {
				s.SetDeadline(workflow.Now(ctx).Add(-time.Hour))
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := wftest.New()
			count := timers(env)
			inEnv(t, env, func(ctx workflow.Context) {
				var s cancelscope.Scope
				if test.before != nil {
					test.before(ctx, &s)
				}
				elapsed := clock(ctx)
				err := s.Run(ctx, func(ctx workflow.Context) error {
					alone, _ := workflow.NewDisconnectedContext(ctx)
					_ = workflow.Sleep(alone, time.Second)
					if test.after != nil {
						test.after(ctx, &s)
					}
					return sleep(ctx, time.Hour-time.Second)
				})
				if d := elapsed(); err != nil || d != test.ends {
					t.Errorf("Run = %v after %v, want nil after %v", err, d, test.ends)
				}
				if got, want := s.CanceledCaught(), test.ends != time.Hour; got != want {
					t.Errorf("CanceledCaught = %t, want %t", got, want)
				}
			})
			*count-- // the one of the first second
			if test.ends > time.Second {
				*count-- // the one of the hour
			}
			if *count != test.timers {
				t.Errorf("%d timers for the deadline, want %d", *count, test.timers)
			}
		})
	}
}

// Deadlines count from the instant they have passed, also before their timers are served: here
// another timer for the same instant is older, and is served first.
func TestDeadlineIsNoticedBeforeItsTimer(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		older := workflow.NewTimer(ctx, time.Second)
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			_ = older.Get(ctx, nil)
			if ctx.Err() != nil {
				t.Error("the timer of the deadline has been served, want the other one first")
			}
			if cancelscope.Cause(ctx) == nil {
				t.Error("Cause at the deadline = nil, want the deadline")
			}
			if ctx.Err() == nil {
				t.Error("ctx.Err is nil after Cause was not")
			}
			return nil
		})
		if !s.CancelCalled() {
			t.Error("CancelCalled after the deadline = false, want true")
		}
	})
}

// Of nested scopes with one deadline the outermost is canceled, and absorbs.
//
// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_nested_timeouts
func TestNestedWithOneDeadline(t *testing.T) {
	for _, byClock := range []bool{false, true} {
		inWorkflow(t, func(ctx workflow.Context) {
			older := workflow.NewTimer(ctx, time.Second)
			var outer, inner cancelscope.Scope
			at := workflow.Now(ctx).Add(time.Second)
			outer.SetDeadline(at)
			inner.SetDeadline(at)
			_ = outer.Run(ctx, func(ctx workflow.Context) error {
				return inner.Run(ctx, func(ctx workflow.Context) error {
					if !byClock {
						return forever(ctx)
					}
					_ = older.Get(ctx, nil) // before the timers of the deadlines
					return cancelscope.Cause(ctx)
				})
			})
			if inner.Cause() != outer.Cause() {
				t.Errorf("noticed by the clock: %t: Cause of the inner scope = %v, want that of the outer one", byClock, inner.Cause())
			}
			if !outer.CanceledCaught() || inner.CanceledCaught() {
				t.Errorf("noticed by the clock: %t: caught by the outer: %t, by the inner: %t, want the outer",
					byClock, outer.CanceledCaught(), inner.CanceledCaught())
			}
		})
	}
}

// CancelCalled is true when the own deadline has passed before the end, whatever canceled first.
func TestCancelCalledByALaterDeadline(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Minute)
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			return inner.Run(ctx, func(ctx workflow.Context) error {
				outer.Cancel(nil)
				if inner.CancelCalled() {
					t.Error("CancelCalled of the inner scope before its deadline = true")
				}
				alone, _ := workflow.NewDisconnectedContext(ctx)
				_ = workflow.Sleep(alone, time.Hour)
				return cancelscope.Cause(ctx)
			})
		})
		if !inner.CancelCalled() || inner.CanceledCaught() {
			t.Errorf("inner: CancelCalled = %t, CanceledCaught = %t, want true, false", inner.CancelCalled(), inner.CanceledCaught())
		}
	})
}

// The Reason of a scope is found in the cause when its deadline passes.
func TestReasonOfADeadline(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		s := cancelscope.Scope{Name: "payment", Reason: errReal}
		s.SetTimeout(time.Second)
		start := workflow.Now(ctx)
		_ = s.Run(ctx, forever)
		var c *cancelscope.Canceled
		if !errors.As(s.Cause(), &c) || !errors.Is(c, errReal) || !c.Deadline().Equal(start.Add(time.Second)) || c.Scope() != "payment" {
			t.Errorf("Cause = %v, want the deadline with the reason", s.Cause())
		}
	})
}

// Query handlers may ask a scope what does not need the clock.
func TestQueryOfAScope(t *testing.T) {
	env := wftest.New()
	var got bool
	env.RegisterDelayedCallback(func() {
		value, err := env.QueryWorkflow("limited")
		if err != nil {
			t.Errorf("QueryWorkflow: %v", err)
			return
		}
		_ = value.Get(&got)
	}, time.Second)
	inEnv(t, env, func(ctx workflow.Context) {
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		_ = workflow.SetQueryHandler(ctx, "limited", func() (bool, error) {
			_, ok := s.Deadline()
			return ok && !s.CanceledCaught(), nil
		})
		_ = s.Run(ctx, forever)
	})
	if !got {
		t.Error("the query says that the scope has no deadline, want one")
	}
}
