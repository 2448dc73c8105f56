package cancelscope_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// A context of workflow.WithCancel between two scopes counts for the inner one alone.
func TestWithCancelBetween(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		var innerErr error
		err := outer.Run(ctx, func(ctx workflow.Context) error {
			between, cancel := workflow.WithCancel(ctx)
			after(ctx, time.Second, cancel)
			innerErr = inner.Run(between, func(ctx workflow.Context) error {
				return workflow.NewTimer(ctx, time.Hour).Get(ctx, nil)
			})
			return innerErr
		})
		if innerErr == nil || inner.CanceledCaught() {
			t.Errorf("inner Run = %v, caught: %t, want the cancellation from between", innerErr, inner.CanceledCaught())
		}
		if kindOf(inner.Cause()) != "parent" {
			t.Errorf("Cause of the inner scope = %v, want kind parent", inner.Cause())
		}
		// The outer scope was not canceled, so the error is real to it.
		if err == nil || outer.CanceledCaught() {
			t.Errorf("outer Run = %v, want the error", err)
		}
	})
}

// A scope around such a context cancels through it, with its own cause.
func TestCancellationThroughWithCancel(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		after(ctx, time.Second, func() {
			outer.Cancel(errReal)
			if inner.Cause() != outer.Cause() {
				t.Errorf("Cause of the inner scope = %v at once, want that of the outer one", inner.Cause())
			}
		})
		err := outer.Run(ctx, func(ctx workflow.Context) error {
			between, cancel := workflow.WithCancel(ctx)
			defer cancel()
			return inner.Run(workflow.WithValue(between, "key", 1), forever)
		})
		if err != nil || !outer.CanceledCaught() || inner.CanceledCaught() {
			t.Errorf("outer Run = %v, want that it absorbs", err)
		}
	})
}

// A disconnected context hides everything further out, also from scopes inside.
func TestDisconnectedBetween(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		outer.Cancel(nil)
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			alone, cancel := workflow.NewDisconnectedContext(ctx)
			defer cancel()
			if cause := cancelscope.Cause(alone); cause != nil {
				t.Errorf("Cause of a disconnected context = %v, want nil", cause)
			}
			if err := inner.Run(alone, func(ctx workflow.Context) error { return sleep(ctx, time.Second) }); err != nil {
				t.Errorf("Run of a scope in a disconnected context = %v, want nil", err)
			}
			return nil
		})
	})
}

// The cancellation of the workflow reaches scopes, and code that waits with the SDK's own means.
func TestWorkflowIsCanceled(t *testing.T) {
	env := wftest.New()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	inEnv(t, env, func(ctx workflow.Context) {
		elapsed := clock(ctx)
		var s cancelscope.Scope
		err := s.Run(ctx, func(ctx workflow.Context) error {
			ctx.Done().Receive(ctx, nil)
			return workflow.ErrCanceled
		})
		if elapsed() != time.Second {
			t.Errorf("Done was closed after %v, want a second", elapsed())
		}
		if err != workflow.ErrCanceled || kindOf(s.Cause()) != "parent" || s.CancelCalled() {
			t.Errorf("Run = %v, Cause = %v, CancelCalled = %t, want the cancellation from outside", err, s.Cause(), s.CancelCalled())
		}
		if kindOf(cancelscope.Cause(ctx)) != "no Canceled: "+workflow.ErrCanceled.Error() {
			t.Errorf("Cause of the workflow's context = %v, want workflow.ErrCanceled", cancelscope.Cause(ctx))
		}
	})
}

// A scope that has ended leaves no coroutine behind that waits for the workflow's cancellation.
func TestEndedScopeIsNotWatched(t *testing.T) {
	env := wftest.New()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	inEnv(t, env, func(ctx workflow.Context) {
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx workflow.Context) error { return sleep(ctx, time.Second) })
		alone, _ := workflow.NewDisconnectedContext(ctx)
		_ = workflow.Sleep(alone, time.Hour)
		if s.Cause() != nil {
			t.Errorf("Cause of a scope that ended before the workflow was canceled = %v, want nil", s.Cause())
		}
	})
}
