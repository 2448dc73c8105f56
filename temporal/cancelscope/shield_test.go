package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// A shield hides cancellations and deadlines further out, and not the scope's own.
//
// catalogue: trio/test_run.py::test_cancel_shielding
// catalogue: anyio/test_taskgroups.py::test_shielded_deadline
// catalogue: anyio/test_taskgroups.py::test_cancel_shielded_scope
// catalogue: trio/test_timeouts.py::test_context_shields_from_outer
// catalogue: trio/test_timeouts.py::test_move_on_after_moves_on_even_if_shielded
func TestShieldHides(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(outer, inner *cancelscope.Scope)
		kind string // of the cancellation inside the shield
	}{
		{"a cancellation", func(outer, _ *cancelscope.Scope) { outer.Cancel(nil) }, "none"},
		{"a deadline", func(outer, _ *cancelscope.Scope) { outer.SetTimeout(time.Second) }, "none"},
		{"not its own cancellation", func(_, inner *cancelscope.Scope) { inner.Cancel(nil) }, "call"},
		{"not its own deadline", func(_, inner *cancelscope.Scope) { inner.SetTimeout(time.Second) }, "deadline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorkflow(t, func(ctx workflow.Context) {
				var outer, inner cancelscope.Scope
				inner.SetShield(true)
				var got error
				err := outer.Run(ctx, func(ctx workflow.Context) error {
					_ = inner.Run(ctx, func(ctx workflow.Context) error {
						test.set(&outer, &inner)
						got = sleep(ctx, time.Minute)
						return got
					})
					return cancelscope.Cause(ctx)
				})
				if kind := kindOf(got); kind != test.kind {
					t.Errorf("Sleep under the shield = %v (%s), want %s", got, kind, test.kind)
				}
				if err != nil {
					t.Errorf("outer Run = %v, want nil", err)
				}
			})
		})
	}
}

// The shield of a running scope is taken off by another task while code waits inside, and that
// code is woken: the recordings have no such program.
func TestShieldTakenOffWakes(t *testing.T) {
	for _, test := range []struct {
		name   string
		cancel func(env *wftest.Env, outer *cancelscope.Scope)
		kind   string
	}{
		{"of a scope that was canceled", func(_ *wftest.Env, outer *cancelscope.Scope) { outer.Cancel(nil) }, "call"},
		{"of a scope whose deadline has passed", func(_ *wftest.Env, outer *cancelscope.Scope) { outer.SetTimeout(0) }, "deadline"},
		{"of a workflow that was canceled", func(env *wftest.Env, _ *cancelscope.Scope) { env.CancelWorkflow() }, "parent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := wftest.New()
			var outer, inner cancelscope.Scope
			inner.SetShield(true)
			env.RegisterDelayedCallback(func() { test.cancel(env, &outer) }, time.Second)
			inEnv(t, env, func(ctx workflow.Context) {
				elapsed := clock(ctx)
				alone, _ := workflow.NewDisconnectedContext(ctx)
				after(alone, time.Minute, func() { inner.SetShield(false) })
				var got error
				_ = outer.Run(ctx, func(ctx workflow.Context) error {
					return inner.Run(ctx, func(ctx workflow.Context) error {
						got = forever(ctx)
						return got
					})
				})
				if kind, d := kindOf(got), elapsed(); kind != test.kind || d != time.Minute {
					t.Errorf("the wait under the shield ended with %v (%s) after %v, want %s after a minute", got, kind, d, test.kind)
				}
			})
		})
	}
}

// The same for a scope between the shield and the code that waits, and for an activity.
func TestShieldTakenOffReachesScopesInside(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, shielded, inside cancelscope.Scope
		shielded.SetShield(true)
		after(ctx, time.Second, func() {
			outer.Cancel(errReal)
			if inside.Cause() != nil {
				t.Error("a scope inside a shield is canceled before the shield is taken off")
			}
			shielded.SetShield(false)
			if !errors.Is(inside.Cause(), errReal) {
				t.Errorf("Cause of a scope inside after SetShield(false) = %v, want that of the outer one", inside.Cause())
			}
		})
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			return shielded.Run(ctx, func(ctx workflow.Context) error {
				return inside.Run(ctx, func(ctx workflow.Context) error {
					return workflow.NewTimer(ctx, time.Hour).Get(ctx, nil)
				})
			})
		})
	})
}

// A scope whose shield has been taken off hears of a cancellation of the workflow that comes later.
func TestShieldTakenOffBeforeTheCancellation(t *testing.T) {
	env := wftest.New()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	inEnv(t, env, func(ctx workflow.Context) {
		elapsed := clock(ctx)
		var s cancelscope.Scope
		s.SetShield(true)
		after(ctx, time.Second, func() { s.SetShield(false) })
		err := s.Run(ctx, forever)
		if d := elapsed(); kindOf(err) != "parent" || d != time.Minute {
			t.Errorf("Run = %v after %v, want the cancellation of the workflow after a minute", err, d)
		}
	})
}

// A shield can be raised while the scope runs, as long as it is not canceled.
//
// catalogue: anyio/test_taskgroups.py::test_shielding_mutate
func TestShieldRaisedWhileRunning(t *testing.T) {
	env := wftest.New()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	inEnv(t, env, func(ctx workflow.Context) {
		var s, late cancelscope.Scope
		var got, again error
		err := s.Run(ctx, func(ctx workflow.Context) error {
			_ = sleep(ctx, time.Second)
			s.SetShield(true)
			got = sleep(ctx, time.Hour)
			s.SetShield(false)
			again = sleep(ctx, time.Hour)
			return late.Run(ctx, func(ctx workflow.Context) error {
				late.SetShield(true) // too late: it is canceled already
				return sleep(ctx, time.Hour)
			})
		})
		if got != nil || kindOf(again) != "parent" {
			t.Errorf("Sleep under the raised shield = %v, after it = %v, want nil and the cancellation", got, again)
		}
		if kindOf(err) != "parent" || late.CanceledCaught() {
			t.Errorf("Run = %v, caught by the late shield: %t, want the cancellation of the workflow", err, late.CanceledCaught())
		}
	})
}

// catalogue: anyio/test_taskgroups.py::test_shielded_cleanup_after_cancel
func TestShieldFunction(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			elapsed := clock(ctx)
			if err := cancelscope.Shield(ctx, time.Minute, func(ctx workflow.Context) error { return sleep(ctx, time.Second) }); err != nil || elapsed() != time.Second {
				t.Errorf("Shield of a short clean-up = %v after %v, want nil after a second", err, elapsed())
			}
			if err := cancelscope.Shield(ctx, time.Minute, func(workflow.Context) error { return errReal }); err != errReal {
				t.Errorf("Shield = %v, want the error of its function", err)
			}
			err := cancelscope.Shield(ctx, time.Second, forever)
			var slow *cancelscope.TooSlowError
			if !errors.As(err, &slow) || slow.Limit != time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shield of a clean-up that takes too long = %v, want a TooSlowError of 1s", err)
			}
			if want := `"shield" too slow: limit of 1s exceeded`; err.Error() != want {
				t.Errorf("its text is %q, want %q", err, want)
			}
			if cancelscope.IsCancellation(ctx, err) {
				t.Error("a TooSlowError counts as a cancellation")
			}
			return nil
		})
	})
}

// Cleanup joins its error to the one of the function, also if that is being canceled.
func TestCleanup(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		undone := false
		work := func(ctx workflow.Context) (err error) {
			defer cancelscope.Cleanup(ctx, &err, time.Minute, func(ctx workflow.Context) error {
				undone = sleep(ctx, time.Second) == nil
				return errReal
			})
			s.Cancel(nil)
			return sleep(ctx, time.Hour)
		}
		err := s.Run(ctx, work)
		if !undone || !errors.Is(err, errReal) || !s.CanceledCaught() {
			t.Errorf("Run = %v, undone: %t, caught: %t, want the error of the clean-up, true, true", err, undone, s.CanceledCaught())
		}
	})
}

// Cleanup does not run while a panic passes, where waiting would panic again.
func TestCleanupDuringPanic(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var err error
		mustPanic(t, "boom", func() {
			defer cancelscope.Cleanup(ctx, &err, time.Minute, func(workflow.Context) error { return errReal })
			panic("boom")
		})
		if err != nil {
			t.Errorf("Cleanup has run: %v", err)
		}
	})
}

// The same holds in a deferred function that has recovered the panic, until it returns.
func TestCleanupAfterRecover(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		undo := func() (err error) {
			defer cancelscope.Cleanup(ctx, &err, time.Minute, func(workflow.Context) error { return errReal })
			return nil
		}
		var within error
		func() {
			defer func() {
				_ = recover()
				within = undo()
			}()
			panic("boom")
		}()
		if after := undo(); within != nil || !errors.Is(after, errReal) {
			t.Errorf("Cleanup in the deferred function: %v, after it: %v, want nil, %v", within, after, errReal)
		}
	})
}

// A worker that lets go of a workflow ends its coroutines, and their deferred functions run. The
// test environment does the same when the workflow has ended and coroutines have not.
func TestCleanupDuringEviction(t *testing.T) {
	ran, unwound := false, make(chan any)
	inWorkflow(t, func(ctx workflow.Context) {
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer func() { unwound <- recover() }()
			func() (err error) {
				defer cancelscope.Cleanup(ctx, &err, time.Minute, func(workflow.Context) error {
					ran = true
					return nil
				})
				return workflow.Sleep(ctx, time.Hour)
			}()
		})
		_ = workflow.Sleep(ctx, time.Second)
	})
	if r := <-unwound; ran || r != nil {
		t.Errorf("Cleanup has run although the workflow was let go: %t, panic: %v", ran, r)
	}
}
