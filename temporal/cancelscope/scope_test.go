package cancelscope_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// Which scope absorbs a cancellation: the one that was canceled, and of several the outermost.
//
// catalogue: anyio/test_taskgroups.py::test_cancel_propagation
func TestWhoAbsorbs(t *testing.T) {
	for _, test := range []struct {
		name           string
		cancel         string // "outer", "inner", "both", "workflow" or "none"
		inner, outer   bool   // CanceledCaught
		innerCanceled  bool   // the inner scope returns a cancellation
		workflowErrors bool   // so does the outer one
	}{
		{name: "nothing is canceled", cancel: "none"},
		{name: "the inner scope", cancel: "inner", inner: true},
		{name: "the outer scope", cancel: "outer", outer: true, innerCanceled: true},
		{name: "both", cancel: "both", outer: true, innerCanceled: true},
		{name: "the workflow", cancel: "workflow", innerCanceled: true, workflowErrors: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := wftest.New()
			if test.cancel == "workflow" {
				env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
			}
			inEnv(t, env, func(ctx workflow.Context) {
				var outer, inner cancelscope.Scope
				var innerErr error
				after(ctx, time.Second, func() {
					if test.cancel == "inner" || test.cancel == "both" {
						inner.Cancel(nil)
					}
					if test.cancel == "outer" || test.cancel == "both" {
						outer.Cancel(nil)
					}
				})
				err := outer.Run(ctx, func(ctx workflow.Context) error {
					innerErr = inner.Run(ctx, func(ctx workflow.Context) error { return sleep(ctx, time.Minute) })
					return innerErr
				})
				if got := innerErr != nil; got != test.innerCanceled {
					t.Errorf("inner Run = %v, want a cancellation: %t", innerErr, test.innerCanceled)
				}
				if got := err != nil; got != test.workflowErrors {
					t.Errorf("outer Run = %v, want a cancellation: %t", err, test.workflowErrors)
				}
				if got := inner.CanceledCaught(); got != test.inner {
					t.Errorf("inner CanceledCaught = %t, want %t", got, test.inner)
				}
				if got := outer.CanceledCaught(); got != test.outer {
					t.Errorf("outer CanceledCaught = %t, want %t", got, test.outer)
				}
			})
		})
	}
}

// An error of a scope that was not canceled is returned as it is, whatever it is.
func TestErrorWithoutCancellation(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		for _, want := range []error{nil, errReal, workflow.ErrCanceled, errors.Join(errReal, workflow.ErrCanceled)} {
			var s cancelscope.Scope
			if got := s.Run(ctx, func(workflow.Context) error { return want }); got != want {
				t.Errorf("Run of a block that returns %v = %v, want the same value", want, got)
			}
		}
	})
}

// A scope never makes an error, and work that finishes although it is canceled is a success.
func TestCanceledBlockThatReturnsNil(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		err := s.Run(ctx, func(workflow.Context) error {
			s.Cancel(nil)
			return nil
		})
		if err != nil || s.CanceledCaught() || !s.CancelCalled() {
			t.Errorf("Run = %v, CanceledCaught = %t, CancelCalled = %t, want nil, false, true", err, s.CanceledCaught(), s.CancelCalled())
		}
	})
}

// Once a scope is canceled, every wait in it fails until it is left.
//
// catalogue: anyio/test_taskgroups.py::test_level_cancellation
// catalogue: trio/test_run.py::test_cancel_edge_cases
func TestEveryWaitFails(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		elapsed := clock(ctx)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(errReal)
			for range 3 {
				if err := sleep(ctx, time.Hour); !errors.Is(err, errReal) {
					t.Errorf("Sleep in a canceled scope = %v, want its cause", err)
				}
			}
			return nil
		})
		if d := elapsed(); d != 0 {
			t.Errorf("the waits took %v, want no time", d)
		}
	})
}

// The first cause is kept, whatever comes later.
//
// catalogue: anyio/test_taskgroups.py::test_cancel_twice
// catalogue: trio/test_cancelled.py::test_cancel_reason_not_overwritten
func TestFirstCauseIsKept(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		first := errors.New("first")
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(first)
			s.Cancel(errReal)
			alone, _ := workflow.NewDisconnectedContext(ctx)
			return workflow.Sleep(alone, time.Minute)
		})
		if got := s.Cause(); kindOf(got) != "call" || !errors.Is(got, first) {
			t.Errorf("Cause = %v, want the first", got)
		}
	})
}

// Cancel before Run makes the first wait fail; Cancel after Run only records the call.
//
// catalogue: trio/test_run.py::test_cancel_unbound
// catalogue: anyio/test_taskgroups.py::test_cancel_before_entering_scope
func TestCancelBeforeAndAfterRun(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		s.Cancel(errReal)
		ran := false
		err := s.Run(ctx, func(ctx workflow.Context) error {
			ran = true
			return forever(ctx)
		})
		if err != nil || !ran || !s.CanceledCaught() {
			t.Errorf("Run of a canceled scope = %v, ran: %t, caught: %t, want nil, true, true", err, ran, s.CanceledCaught())
		}
		var late cancelscope.Scope
		_ = late.Run(ctx, func(workflow.Context) error { return nil })
		late.Cancel(nil)
		late.SetTimeout(0)
		late.SetShield(true)
		if !late.CancelCalled() || late.Cause() != nil || late.CanceledCaught() {
			t.Errorf("after Run: CancelCalled = %t, Cause = %v, want true and nil", late.CancelCalled(), late.Cause())
		}
	})
}

// The context of an ended block is canceled, and so is what was started with it.
func TestContextAfterTheEnd(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var kept workflow.Context
		var timer workflow.Future
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			kept, timer = ctx, workflow.NewTimer(ctx, time.Hour)
			return nil
		})
		elapsed := clock(ctx)
		if err := timer.Get(ctx, nil); err == nil || elapsed() != 0 {
			t.Errorf("a timer of the ended block ended with %v after %v, want a cancellation at once", err, elapsed())
		}
		if cancelscope.Cause(kept) == nil {
			t.Error("Cause of the context of an ended block = nil, want a cancellation")
		}
		var inside cancelscope.Scope
		if err := inside.Run(kept, forever); err == nil {
			t.Error("Run in the context of an ended block = nil, want a cancellation")
		}
	})
}

// A panic leaves the scope: its timer is canceled, and it does not stay in the tree.
func TestPanicLeavesTheScope(t *testing.T) {
	env := wftest.New()
	var canceled int
	env.SetOnTimerCanceledListener(func(string) { canceled++ })
	inEnv(t, env, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Hour)
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			func() {
				defer func() {
					if r := recover(); r != "boom" {
						t.Errorf("recovered %v, want the value of the panic", r)
					}
				}()
				_ = inner.Run(ctx, func(workflow.Context) error { panic("boom") })
			}()
			_ = workflow.Sleep(ctx, time.Second) // the environment reports the timer now
			outer.Cancel(nil)
			return nil
		})
		if inner.Cause() != nil {
			t.Errorf("Cause of a scope that was left before the one around it was canceled = %v, want nil", inner.Cause())
		}
	})
	if canceled != 1 {
		t.Errorf("%d timers were canceled, want that of the scope", canceled)
	}
}

// Siblings are canceled in the order in which they were entered, each before those inside it: what
// they have started gets its commands in this order.
func TestOrderOfCancellation(t *testing.T) {
	env := wftest.New()
	var started, canceled []string
	env.SetOnTimerScheduledListener(func(id string, d time.Duration) {
		if d > time.Minute {
			started = append(started, id)
		}
	})
	env.SetOnTimerCanceledListener(func(id string) { canceled = append(canceled, id) })
	inEnv(t, env, func(ctx workflow.Context) {
		var outer cancelscope.Scope
		left := 3
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			for range 3 {
				workflow.Go(ctx, func(ctx workflow.Context) {
					var s, inside cancelscope.Scope
					_ = s.Run(ctx, func(ctx workflow.Context) error {
						timer := workflow.NewTimer(ctx, time.Hour)
						_ = inside.Run(ctx, func(ctx workflow.Context) error { return sleep(ctx, time.Hour) })
						return timer.Get(ctx, nil)
					})
					left--
				})
			}
			_ = workflow.Sleep(ctx, time.Second)
			outer.Cancel(nil)
			alone, _ := workflow.NewDisconnectedContext(ctx)
			return workflow.Await(alone, func() bool { return left == 0 })
		})
	})
	if len(canceled) != 6 || !slices.Equal(canceled, started) {
		t.Errorf("timers were canceled in the order %v, want that in which they were started, %v", canceled, started)
	}
}

// A scope that is canceled has no more use for the timer of its deadline.
func TestTimerOfACanceledScope(t *testing.T) {
	env := wftest.New()
	canceled := 0
	env.SetOnTimerCanceledListener(func(string) { canceled++ })
	inEnv(t, env, func(ctx workflow.Context) {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			alone, _ := workflow.NewDisconnectedContext(ctx)
			_ = workflow.Sleep(alone, time.Second)
			if canceled != 1 {
				t.Errorf("%d timers were canceled with the scope, want that of its deadline", canceled)
			}
			return nil
		})
	})
}

// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_double_enter
func TestMisuse(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		nothing := func(workflow.Context) error { return nil }
		mustPanic(t, "cancelscope: Run with a nil context: pass the one of the workflow or task", func() {
			_ = new(cancelscope.Scope).Run(nil, nothing)
		})
		mustPanic(t, "cancelscope: Run with a nil function: there is nothing to run", func() {
			_ = new(cancelscope.Scope).Run(ctx, nil)
		})
		mustPanic(t, "cancelscope: second Run of a scope: make a scope for each block", func() {
			var s cancelscope.Scope
			_ = s.Run(ctx, nothing)
			_ = s.Run(ctx, nothing)
		})
		mustPanic(t, "cancelscope: Cause with a nil context: pass the one of the workflow or task", func() {
			_ = cancelscope.Cause(nil)
		})
		mustPanic(t, "cancelscope: Split with a nil context: pass the one that the error comes from", func() {
			_, _ = cancelscope.Split(nil, nil)
		})
		mustPanic(t, "cancelscope: AsCancellation with a nil context: pass the one that the call was given", func() {
			_ = cancelscope.AsCancellation(nil, nil)
		})
		mustPanic(t, "cancelscope: Cleanup with a nil error pointer: pass the address of the named result", func() {
			cancelscope.Cleanup(ctx, nil, time.Second, nothing)
		})
		mustPanic(t, "cancelscope: Cleanup with a nil function: there is nothing to run", func() {
			cancelscope.Cleanup(ctx, new(error), time.Second, nil)
		})
	})
}
