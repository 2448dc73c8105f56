package cancelscope_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/wait"
)

var errReal = errors.New("real")

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

// forever waits until ctx is canceled.
func forever(ctx workflow.Context) error {
	never, _ := workflow.NewFuture(ctx)
	return wait.Get(ctx, never, nil)
}

// after calls f in a coroutine of its own when d has passed.
func after(ctx workflow.Context, d time.Duration, f func()) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		if workflow.Sleep(ctx, d) == nil {
			f()
		}
	})
}

// clock returns a function that says how long ago it was made, on the clock of the workflow.
func clock(ctx workflow.Context) func() time.Duration {
	start := workflow.Now(ctx)
	return func() time.Duration { return workflow.Now(ctx).Sub(start) }
}

// kindOf returns the kind of a cancellation, or what err is instead.
func kindOf(err error) string {
	var c *cancelscope.Canceled
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &c):
		return c.Kind().String()
	}
	return "no Canceled: " + err.Error()
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

var sleep = deadline.Sleep
