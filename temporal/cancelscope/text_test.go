package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// catalogue: trio/test_cancelled.py::test_cancel_reason
// catalogue: trio/test_cancelled.py::test_Cancelled_str
func TestTextOfCanceled(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		for _, test := range []struct {
			scope  *cancelscope.Scope
			cancel func(s *cancelscope.Scope)
			want   string
			is     error
		}{
			{&cancelscope.Scope{}, func(s *cancelscope.Scope) { s.Cancel(nil) }, "scope canceled", context.Canceled},
			{&cancelscope.Scope{Name: "a"}, func(s *cancelscope.Scope) { s.Cancel(errReal) }, `scope "a" canceled: real`, context.Canceled},
			{&cancelscope.Scope{Name: "a", Reason: errReal}, func(s *cancelscope.Scope) { s.SetTimeout(0) },
				`scope "a" canceled: deadline passed: real`, context.DeadlineExceeded},
		} {
			s := test.scope
			test.cancel(s)
			_ = s.Run(ctx, func(workflow.Context) error { return nil })
			got := s.Cause()
			if got == nil || got.Error() != test.want || !errors.Is(got, test.is) || !temporal.IsCanceledError(got) {
				t.Errorf("Cause = %v, want %q, and %v in it", got, test.want, test.is)
			}
			if errors.Is(got, context.Canceled) && errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("%v is both context.Canceled and context.DeadlineExceeded", got)
			}
		}
	})
}

func TestTextOfCanceledByTaskAndParent(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var cause error
		_ = nursery.Config{Name: "n"}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(workflow.Context) error { return errReal })
			_ = forever(ctx)
			cause = cancelscope.Cause(ctx)
			return nil
		})
		if want := `scope "n" canceled: a task failed: a: real`; text(cause) != want {
			t.Errorf("Cause in a nursery = %q, want %q", text(cause), want)
		}
		between, cancel := workflow.WithCancel(ctx)
		cancel()
		var s cancelscope.Scope
		_ = s.Run(between, func(ctx workflow.Context) error { return nil })
		if want := "scope canceled from outside"; text(s.Cause()) != want {
			t.Errorf("Cause = %q, want %q", text(s.Cause()), want)
		}
	})
}

func TestTextOfTooSlowError(t *testing.T) {
	for _, test := range []struct {
		err  cancelscope.TooSlowError
		want string
	}{
		{cancelscope.TooSlowError{Limit: 90 * time.Second}, "too slow: limit of 1m30s exceeded"},
		{cancelscope.TooSlowError{Name: "pay", Limit: 1500300 * time.Microsecond}, `"pay" too slow: limit of 1.5s exceeded`},
		{cancelscope.TooSlowError{Limit: time.Second, Reason: errReal}, "too slow: limit of 1s exceeded: real"},
	} {
		if got := test.err.Error(); got != test.want || !test.err.Timeout() || test.err.Cancellation() {
			t.Errorf("text %q, want %q", got, test.want)
		}
	}
}

func TestKindString(t *testing.T) {
	for k, want := range map[cancelscope.Kind]string{cancelscope.ByCall: "call", cancelscope.ByDeadline: "deadline",
		cancelscope.ByTask: "task", cancelscope.ByParent: "parent", 9: "Kind(9)"} {
		if got := k.String(); got != want {
			t.Errorf("Kind(%d).String() = %q, want %q", int(k), got, want)
		}
	}
}
