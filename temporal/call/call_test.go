package call_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	tnursery "github.com/trellis-go/trellis/temporal/nursery"
)

func inEnv(t *testing.T, env *wftest.Env, fn func(ctx workflow.Context)) {
	t.Helper()
	err := env.Run(func(ctx workflow.Context) error {
		fn(ctx)
		return nil
	})
	if err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
}

// Double is an activity.
func Double(_ context.Context, n int) (int, error) {
	if n < 0 {
		return 0, temporal.NewNonRetryableApplicationError("negative", "Negative", nil)
	}
	return 2 * n, nil
}

// Several is an activity with a nursery in it.
func Several(ctx context.Context) error {
	return nursery.Config{Supervise: true}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.GoNamed("a", func(context.Context) error { return errors.New("broken") })
		n.GoNamed("b", func(context.Context) error {
			return temporal.NewNonRetryableApplicationError("gone", "Gone", nil)
		})
		return nil
	})
}

// Child is a workflow with a nursery in it.
func Child(ctx workflow.Context, n int) (int, error) {
	err := tnursery.Run(ctx, func(_ workflow.Context, n *tnursery.Nursery) error {
		n.GoNamed("step", func(ctx workflow.Context) error { return deadline.Sleep(ctx, time.Minute) })
		return nil
	})
	if n < 0 {
		err = tnursery.NewError("", tnursery.NewTaskError("check", false, errors.New("negative")))
	}
	return 2 * n, err
}

func TestActivity(t *testing.T) {
	env := wftest.New()
	env.RegisterActivity(Double)
	inEnv(t, env, func(ctx workflow.Context) {
		if v, err := call.Activity[int](ctx, Double, 21); v != 42 || err != nil {
			t.Errorf("Activity = %d, %v, want 42, nil", v, err)
		}
		if v, err := call.LocalActivity[int](ctx, Double, 21); v != 42 || err != nil {
			t.Errorf("LocalActivity = %d, %v, want 42, nil", v, err)
		}
		var app *temporal.ApplicationError
		if v, err := call.Activity[int](ctx, Double, -1); v != 0 || !errors.As(err, &app) || app.Type() != "Negative" {
			t.Errorf("Activity = %d, %v, want its ApplicationError", v, err)
		}
	})
}

// In a canceled scope nothing is started.
func TestCallInACanceledScope(t *testing.T) {
	env := wftest.New()
	env.RegisterActivity(Double)
	inEnv(t, env, func(ctx workflow.Context) {
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			for name, f := range map[string]func() error{
				"Activity":      func() error { _, err := call.Activity[int](ctx, Double, 1); return err },
				"LocalActivity": func() error { _, err := call.LocalActivity[int](ctx, Double, 1); return err },
				"Child":         func() error { _, err := call.Child[int](ctx, Child, 1); return err },
			} {
				if err := f(); err != s.Cause() {
					t.Errorf("%s in a canceled scope = %v, want its cause", name, err)
				}
			}
			return nil
		})
	})
}

// A canceled activity is awaited, so the options of ctx get that; its other options are kept.
func TestOptions(t *testing.T) {
	env := wftest.New()
	env.RegisterActivity(Double)
	env.RegisterWorkflow(Child)
	inEnv(t, env, func(ctx workflow.Context) {
		before := workflow.GetActivityOptions(ctx)
		if _, err := call.Activity[int](ctx, Double, 1); err != nil {
			t.Error(err)
		}
		if after := workflow.GetActivityOptions(ctx); after.WaitForCancellation != before.WaitForCancellation || after.StartToCloseTimeout != before.StartToCloseTimeout {
			t.Errorf("the options of the caller's context were changed: %+v", after)
		}
	})
}

// The errors of nurseries inside an activity or a child workflow are found by name.
func TestErrorsInside(t *testing.T) {
	env := wftest.New()
	env.Encode = true
	env.RegisterActivity(Several)
	env.RegisterWorkflow(Child)
	inEnv(t, env, func(ctx workflow.Context) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Hour,
			RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}})
		_, err := call.Activity[any](ctx, Several)
		var app *temporal.ApplicationError
		if text := fmt.Sprint(failure.Task(err, "a")); text != "broken" || !errors.As(failure.Task(err, "b"), &app) || app.Type() != "Gone" {
			t.Errorf("Activity = %v, want the errors of its tasks", err)
		}
		var activityError *temporal.ActivityError
		if !errors.As(err, &activityError) {
			t.Errorf("Activity = %v, want an ActivityError in it", err)
		}
		_, err = call.Child[int](ctx, Child, -1)
		var childError *temporal.ChildWorkflowExecutionError
		if text := fmt.Sprint(failure.Task(err, "check")); text != "negative" || !errors.As(err, &childError) {
			t.Errorf("Child = %v, want the errors of its tasks", err)
		}
	})
}

// A child is a call: it has ended when Child returns, also if it was canceled, and learns of it.
func TestChild(t *testing.T) {
	env := wftest.New()
	env.Encode = true
	env.RegisterWorkflow(Child)
	inEnv(t, env, func(ctx workflow.Context) {
		if v, err := call.Child[int](ctx, Child, 21); v != 42 || err != nil {
			t.Errorf("Child = %d, %v, want 42, nil", v, err)
		}
		start := workflow.Now(ctx)
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(ctx, func(ctx workflow.Context) error {
			_, err := call.Child[int](ctx, Child, 21)
			return err
		})
		if d := workflow.Now(ctx).Sub(start); err != nil || !s.CanceledCaught() || d != time.Second {
			t.Errorf("Run of a scope around a canceled child = %v after %v, caught: %t, want nil, 1s, true", err, d, s.CanceledCaught())
		}
	})
}

func TestMisuse(t *testing.T) {
	inEnv(t, wftest.New(), func(ctx workflow.Context) {
		for want, f := range map[string]func(){
			"call: Activity with a nil context: pass the one of the workflow or task":  func() { _, _ = call.Activity[int](nil, Double) },
			"call: Activity of nothing: pass the function or its registered name":      func() { _, _ = call.Activity[int](ctx, nil) },
			"call: LocalActivity of nothing: pass the function or its registered name": func() { _, _ = call.LocalActivity[int](ctx, nil) },
			"call: Child of nothing: pass the function or its registered name":         func() { _, _ = call.Child[int](ctx, nil) },
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

// A flight and a hotel at once, each by an activity.
func ExampleActivity() {
	env := wftest.New()
	env.RegisterActivity(Double)
	err := env.Run(func(ctx workflow.Context) error {
		return tnursery.Run(ctx, func(ctx workflow.Context, n *tnursery.Nursery) error {
			for i := range 2 {
				n.Go(func(ctx workflow.Context) error {
					v, err := call.Activity[int](ctx, Double, i)
					fmt.Println(v, err)
					return err
				})
			}
			return nil
		})
	})
	fmt.Println(err)
	// Unordered output:
	// 0 <nil>
	// 2 <nil>
	// <nil>
}

// A short call in the worker of the workflow.
func ExampleLocalActivity() {
	env := wftest.New()
	env.RegisterActivity(Double)
	_ = env.Run(func(ctx workflow.Context) error {
		v, err := call.LocalActivity[int](ctx, Double, 4)
		fmt.Println(v, err)
		return err
	})
	// Output: 8 <nil>
}

// A child workflow under a time limit.
func ExampleChild() {
	env := wftest.New()
	env.RegisterWorkflow(Child)
	_ = env.Run(func(ctx workflow.Context) error {
		v, err := deadline.Call(ctx, time.Hour, func(ctx workflow.Context) (int, error) {
			return call.Child[int](ctx, Child, 4)
		})
		fmt.Println(v, err)
		return err
	})
	// Output: 8 <nil>
}
