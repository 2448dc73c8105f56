package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

var errReal = errors.New("real")

func inWorkflow(t *testing.T, fn func(ctx workflow.Context)) {
	t.Helper()
	err := wftest.Run(func(ctx workflow.Context) error {
		fn(ctx)
		return nil
	})
	if err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A block that takes a minute, or fails in one of several ways, under each kind of limit.
//
// catalogue: trio/test_timeouts.py::test_move_on_after
// catalogue: trio/test_timeouts.py::test_fail
// catalogue: anyio/test_taskgroups.py::test_move_on_after
// catalogue: anyio/test_taskgroups.py::test_move_on_at
// catalogue: anyio/test_taskgroups.py::test_fail_after
// catalogue: anyio/test_taskgroups.py::test_fail_at
// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_foreign_exception_passed
func TestLimits(t *testing.T) {
	const slow = "too slow: limit of 1s exceeded"
	work := func(err error, d time.Duration) func(ctx workflow.Context) error {
		return func(ctx workflow.Context) error { return errors.Join(deadline.Sleep(ctx, d), err) }
	}
	for _, test := range []struct {
		name    string
		d       time.Duration
		fn      func(ctx workflow.Context) error
		expired bool
		move    string // text of the error of MoveOnAfter
		fail    string // of FailAfter
	}{
		{"in time", time.Hour, work(nil, time.Minute), false, "", ""},
		{"too slow", time.Second, work(nil, time.Minute), true, "", slow},
		{"at once", -1, work(nil, time.Minute), true, "", "too slow: limit of 0s exceeded"},
		{"too slow and wrong", time.Second, work(errReal, time.Minute), true, "real", "real"},
		{"wrong in time", time.Hour, work(errReal, 0), false, "real", "real"},
		{"late and finished", time.Second, func(ctx workflow.Context) error {
			alone, _ := workflow.NewDisconnectedContext(ctx)
			return workflow.Sleep(alone, time.Minute)
		}, false, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorkflow(t, func(ctx workflow.Context) {
				at := func() time.Time { return workflow.Now(ctx).Add(test.d) }
				if expired, err := deadline.MoveOnAfter(ctx, test.d, test.fn); expired != test.expired || text(err) != test.move {
					t.Errorf("MoveOnAfter = %t, %v, want %t, %q", expired, err, test.expired, test.move)
				}
				if expired, err := deadline.MoveOnAt(ctx, at(), test.fn); expired != test.expired || text(err) != test.move {
					t.Errorf("MoveOnAt = %t, %v, want %t, %q", expired, err, test.expired, test.move)
				}
				if err := deadline.FailAfter(ctx, test.d, test.fn); text(err) != test.fail {
					t.Errorf("FailAfter = %v, want %q", err, test.fail)
				}
				if err := deadline.FailAt(ctx, at(), test.fn); text(err) != test.fail {
					t.Errorf("FailAt = %v, want %q", err, test.fail)
				}
				value, err := deadline.Call(ctx, test.d, func(ctx workflow.Context) (int, error) { return 7, test.fn(ctx) })
				want := 7
				if test.fail != "" {
					want = 0
				}
				if value != want || text(err) != test.fail {
					t.Errorf("Call = %d, %v, want %d, %q", value, err, want, test.fail)
				}
			})
		})
	}
}

// The zero time is no deadline.
//
// catalogue: anyio/test_taskgroups.py::test_move_on_at_no_timeout
// catalogue: anyio/test_taskgroups.py::test_fail_at_no_timeout
func TestNoLimit(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		sleep := func(ctx workflow.Context) error { return deadline.Sleep(ctx, 1000*time.Hour) }
		if expired, err := deadline.MoveOnAt(ctx, time.Time{}, sleep); expired || err != nil {
			t.Errorf("MoveOnAt the zero time = %t, %v, want false, nil", expired, err)
		}
		if err := deadline.FailAt(ctx, time.Time{}, sleep); err != nil {
			t.Errorf("FailAt the zero time = %v, want nil", err)
		}
	})
}

// A cancellation from outside is not the limit's, also if the limit has passed as well.
func TestLimitUnderCancellation(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer cancelscope.Scope
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			err := deadline.FailAfter(ctx, time.Second, func(ctx workflow.Context) error {
				err := deadline.Sleep(ctx, time.Minute)
				outer.Cancel(errReal)
				return err
			})
			var slow *deadline.TooSlowError
			if errors.As(err, &slow) || !errors.Is(err, errReal) {
				t.Errorf("FailAfter under a cancellation = %v, want the outer cancellation", err)
			}
			return err
		})
		if !outer.CanceledCaught() {
			t.Error("the outer scope has not absorbed the error of FailAfter")
		}
	})
}

// Only the deadline makes a TooSlowError; a scope can be called off by hand.
//
// catalogue: anyio/test_taskgroups.py::test_fail_after_scope_cancelled_before_timeout
func TestFailScope(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		called := cancelscope.Scope{Name: "called off"}
		called.SetTimeout(time.Minute)
		err := deadline.FailScope(ctx, &called, func(ctx workflow.Context) error {
			called.Cancel(nil)
			alone, _ := workflow.NewDisconnectedContext(ctx)
			_ = workflow.Sleep(alone, time.Hour)
			return cancelscope.Cause(ctx)
		})
		if err != nil {
			t.Errorf("FailScope of a scope that was called off = %v, want nil", err)
		}
		start := workflow.Now(ctx)
		moved := cancelscope.Scope{Name: "moved", Reason: errReal}
		moved.SetTimeout(time.Minute)
		err = deadline.FailScope(ctx, &moved, func(ctx workflow.Context) error {
			moved.SetTimeout(time.Hour)
			return deadline.Sleep(ctx, 24*time.Hour)
		})
		var slow *deadline.TooSlowError
		if !errors.As(err, &slow) || slow.Name != "moved" || slow.Limit != time.Hour || !slow.Deadline.Equal(start.Add(time.Hour)) ||
			!errors.Is(err, errReal) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("FailScope = %v, want a TooSlowError of an hour with the reason", err)
		}
	})
}

func TestMisuse(t *testing.T) {
	nothing := func(workflow.Context) error { return nil }
	inWorkflow(t, func(ctx workflow.Context) {
		for want, f := range map[string]func(){
			"deadline: FailScope with a nil scope: use FailAfter if none is needed":         func() { _ = deadline.FailScope(ctx, nil, nothing) },
			"deadline: nil function: there is nothing to run":                               func() { _ = deadline.FailAfter(ctx, 0, nil) },
			"deadline: Call with a nil function: there is nothing to run":                   func() { _, _ = deadline.Call[int](ctx, 0, nil) },
			"cancelscope: Run with a nil function: there is nothing to run":                 func() { _, _ = deadline.MoveOnAfter(ctx, 0, nil) },
			"deadline: Sleep with a nil context: pass the one of the workflow or task":      func() { _ = deadline.Sleep(nil, 0) },
			"deadline: SleepUntil with a nil context: pass the one of the workflow or task": func() { _ = deadline.SleepUntil(nil, time.Time{}) },
			"deadline: Effective with a nil context: pass the one of the workflow or task":  func() { _, _ = deadline.Effective(nil) },
		} {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("panic with %v, want %q", got, want)
					}
				}()
				f()
			}()
		}
	})
}
