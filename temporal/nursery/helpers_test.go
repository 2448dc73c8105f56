package nursery_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

var (
	errReal  = errors.New("real")
	errOther = errors.New("other")
)

// inWorkflow runs fn as a workflow and fails the test if that panics or fails.
func inWorkflow(t *testing.T, fn func(ctx workflow.Context)) {
	t.Helper()
	inEnv(t, wftest.New(), fn)
}

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

func nothing(workflow.Context) error { return nil }

// forever waits until ctx is canceled.
func forever(ctx workflow.Context) error {
	never, _ := workflow.NewFuture(ctx)
	return wait.Get(ctx, never, nil)
}

// sleeps returns a task that takes d.
func sleeps(d time.Duration) func(ctx workflow.Context) error {
	return func(ctx workflow.Context) error { return deadline.Sleep(ctx, d) }
}

// fails returns a task that fails after d, whatever its context says.
func fails(d time.Duration, err error) func(ctx workflow.Context) error {
	return func(ctx workflow.Context) error {
		if d > 0 {
			stubborn(ctx, d)
		}
		return err
	}
}

// stubborn sleeps although ctx is canceled.
func stubborn(ctx workflow.Context, d time.Duration) {
	alone, _ := workflow.NewDisconnectedContext(ctx)
	_ = workflow.Sleep(alone, d)
}

// run runs a nursery without a name.
func run(ctx workflow.Context, body func(ctx workflow.Context, n *nursery.Nursery)) error {
	return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
		body(ctx, n)
		return nil
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// mustPanic fails the test unless f panics with the given text.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != want {
			t.Errorf("panic with %v, want %q", got, want)
		}
	}()
	f()
}
