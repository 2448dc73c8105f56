package failure_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	root "github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
)

var errReal = errors.New("real")

// full is an error of the kind that activities return.
func full(what string) error {
	return temporal.NewNonRetryableApplicationError(what+" is full", "Full", nil, 42)
}

// trip fails in several ways at once.
func trip(ctx workflow.Context) error {
	return nursery.Config{Name: "trip"}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
		n.GoNamed("hotel", func(workflow.Context) error { return full("the hotel") })
		n.GoNamed("flight", func(ctx workflow.Context) error {
			err := deadline.Sleep(ctx, time.Hour)
			return errors.Join(err, fmt.Errorf("undo: %w", errReal))
		})
		n.GoNamed("car", func(ctx workflow.Context) error {
			return cancelscope.Shield(ctx, time.Minute, func(ctx workflow.Context) error { return deadline.Sleep(ctx, time.Hour) })
		})
		n.GoNamed("more", func(ctx workflow.Context) error {
			return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
				n.GoNamed("museum", func(workflow.Context) error { return full("the museum") })
				return nil
			})
		})
		return nil
	})
}

// What a workflow returns is found again at the client, task by task.
func TestAcrossTheBoundary(t *testing.T) {
	for _, how := range []string{"Encode", "interceptor"} {
		t.Run(how, func(t *testing.T) {
			env := wftest.New()
			env.Encode = how == "interceptor"
			want := ""
			came := env.Run(func(ctx workflow.Context) error {
				err := trip(ctx)
				want = err.Error()
				if how == "Encode" {
					err = failure.Encode(err)
				}
				return err
			})
			err := failure.Decode(came)
			if err.Error() != want {
				t.Errorf("Decode: text %q, want that of the workflow's error, %q", err, want)
			}
			var names []string
			for _, task := range failure.Tasks(err) {
				names = append(names, task.Task)
			}
			if got := fmt.Sprint(names); got != "[hotel flight more museum car]" {
				t.Errorf("Tasks: %s", got)
			}
			var app *temporal.ApplicationError
			var detail int
			if !errors.As(failure.Task(err, "museum"), &app) || app.Type() != "Full" || !app.NonRetryable() || app.Details(&detail) != nil || detail != 42 {
				t.Errorf("Task museum = %v, want its ApplicationError with the detail", failure.Task(err, "museum"))
			}
			var slow *deadline.TooSlowError
			if !errors.As(failure.Task(err, "car"), &slow) || slow.Limit != time.Minute {
				t.Errorf("Task car = %v, want a TooSlowError of a minute", failure.Task(err, "car"))
			}
			if got := failure.Task(err, "flight"); got == nil || !strings.HasPrefix(got.Error(), "undo: real") {
				t.Errorf("Task flight = %v, want the error without the cancellation", got)
			}
			var whole *temporal.WorkflowExecutionError
			if !errors.As(err, &whole) || failure.Task(err, "train") != nil {
				t.Errorf("Decode: %v, want the WorkflowExecutionError in it, and no task train", err)
			}
			// Without this module a client finds the first failure.
			if !errors.As(came, &app) || app.Type() != "Full" || !app.NonRetryable() {
				t.Errorf("the client's error %v is no ApplicationError of the type of the first failure", came)
			}
		})
	}
}

// Only an error with nothing real in it closes the workflow as canceled.
func TestCanceledOrFailed(t *testing.T) {
	for _, test := range []struct {
		name     string
		err      func(ctx workflow.Context) error // of the nursery; ctx is canceled
		canceled bool
	}{
		{"a cancellation", cancelscope.Cause, true},
		{"wrapped", func(ctx workflow.Context) error { return fmt.Errorf("trip: %w", cancelscope.Cause(ctx)) }, true},
		{"joined with a failure", func(ctx workflow.Context) error { return errors.Join(errReal, cancelscope.Cause(ctx)) }, false},
		{"a TooSlowError with a cancellation as its reason", func(ctx workflow.Context) error {
			return &deadline.TooSlowError{Limit: time.Second, Reason: cancelscope.Cause(ctx)}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := wftest.New()
			env.Encode = true
			env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
			err := env.Run(func(ctx workflow.Context) error {
				return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
					_ = deadline.Sleep(ctx, time.Hour)
					return test.err(ctx)
				})
			})
			if got := temporal.IsCanceledError(err); got != test.canceled {
				t.Errorf("the workflow ended with %v, canceled: %t, want %t", err, got, test.canceled)
			}
			if decoded := failure.Decode(err); !test.canceled && nursery.First(decoded) == decoded {
				t.Errorf("Decode = %v, want the nursery's error", decoded)
			}
		})
	}
}

// What has nothing that could be lost crosses as it is.
func TestEncodeLeavesChainsAlone(t *testing.T) {
	for _, err := range []error{nil, errReal, full("x"), fmt.Errorf("wrapped: %w", errReal), temporal.NewTimeoutError(0, nil)} {
		if got := failure.Encode(err); got != err {
			t.Errorf("Encode(%v) = %v, want it as it is", err, got)
		}
		if got := failure.Decode(err); got != err {
			t.Errorf("Decode(%v) = %v, want it as it is", err, got)
		}
	}
}

// Continue-as-new passes alone; where something failed the workflow fails.
func TestContinueAsNew(t *testing.T) {
	again := &workflow.ContinueAsNewError{}
	for _, test := range []struct {
		err  error
		pass bool
	}{
		{again, true},
		{nursery.NewError("", nursery.NewTaskError("body", true, again)), true},
		{nursery.NewError("", nursery.NewTaskError("a", false, errReal), nursery.NewTaskError("body", true, again)), false},
	} {
		var got *workflow.ContinueAsNewError
		err := failure.Encode(test.err)
		if errors.As(err, &got) != test.pass {
			t.Errorf("Encode(%v) = %v, want it to continue as new: %t", test.err, err, test.pass)
		}
	}
}

// Errors that are too many or too long are cut.
func TestLargeErrors(t *testing.T) {
	var members []error
	for i := range 1000 {
		members = append(members, nursery.NewTaskError(fmt.Sprint(i), false, errors.New(strings.Repeat("ä", 5000))))
	}
	err := failure.Decode(failure.Encode(nursery.NewError("", members...)))
	tasks := failure.Tasks(err)
	if len(tasks) == 0 || len(tasks) > 100 {
		t.Fatalf("%d tasks are left of 1000, want at most a hundred", len(tasks))
	}
	if n := len(tasks[0].Err.Error()); n > 5000 {
		t.Errorf("a text of %d bytes is left, want it cut", n)
	}
	if !strings.Contains(err.Error(), "more") {
		t.Errorf("the text does not say that some are missing: %.200q", err)
	}
	deep := errReal
	for range 200 {
		deep = nursery.NewError("", nursery.NewTaskError("x", false, deep))
	}
	if got := failure.Decode(failure.Encode(deep)); len(failure.Tasks(got)) == 0 {
		t.Errorf("nothing is left of a deep error: %v", got)
	}
}

// What has come from a newer version, or is damaged, is left as it is.
func TestDecodeOther(t *testing.T) {
	for _, detail := range []any{
		map[string]any{"trellis": 2, "error": map[string]any{"kind": "nursery"}},
		map[string]any{"trellis": 1},
		map[string]any{"trellis": 1, "error": map[string]any{"kind": "leaf", "failure": "x"}},
		"text", 7, nil,
	} {
		err := temporal.NewApplicationError("x", "y", detail)
		if got := failure.Decode(err); got != err {
			t.Errorf("Decode of an error with the detail %v = %v, want it as it is", detail, got)
		}
	}
}

// What a nursery inside an activity returned is found in the workflow that called it.
func TestEncodeActivity(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	err := root.Run(ctx, func(ctx context.Context, n *root.Nursery) error {
		n.GoNamed("a", func(context.Context) error { return errReal })
		n.GoNamed("b", func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("b is broken")
		})
		return nil
	})
	decoded := failure.Decode(failure.EncodeActivity(ctx, err))
	if got := failure.Task(decoded, "b"); got == nil || !strings.HasPrefix(got.Error(), "b is broken") {
		t.Errorf("Task b = %v, want its error", got)
	}
	cancel()
	for _, test := range []struct {
		err  error
		want string // what is left of the text; "" if the error is passed as it is
	}{
		{context.Canceled, ""},
		{context.Cause(ctx), ""},
		{errors.Join(errReal, context.Canceled), "real"},
	} {
		got := failure.EncodeActivity(ctx, test.err)
		if test.want == "" && got != test.err || test.want != "" && (!strings.HasPrefix(got.Error(), test.want) || errors.Is(got, context.Canceled)) {
			t.Errorf("EncodeActivity(%v) = %v, want %q", test.err, got, test.want)
		}
	}
	if got := failure.EncodeActivity(context.Background(), nil); got != nil {
		t.Errorf("EncodeActivity(nil) = %v", got)
	}
}

// The errors of a child workflow and of an update are encoded by the interceptor too.
func TestUpdate(t *testing.T) {
	env := wftest.New()
	env.Encode = true
	var got error
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow("book", "1", &updateCallback{func(err error) { got = err }})
	}, time.Second)
	err := env.Run(func(ctx workflow.Context) error {
		_ = workflow.SetUpdateHandler(ctx, "book", trip)
		return deadline.Sleep(ctx, time.Hour)
	})
	if err != nil {
		t.Fatal(err)
	}
	if failure.Task(failure.Decode(got), "museum") == nil {
		t.Errorf("the update ended with %v, want the errors of its tasks", got)
	}
}

type updateCallback struct{ complete func(err error) }

func (u *updateCallback) Accept()                   {}
func (u *updateCallback) Reject(err error)          { u.complete(err) }
func (u *updateCallback) Complete(_ any, err error) { u.complete(err) }

// A cancellation beside a failure is no task, and a Go type is not in the text.
func TestTextAcrossTheBoundary(t *testing.T) {
	env := wftest.New()
	env.Encode = true
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	want := ""
	came := env.Run(func(ctx workflow.Context) error {
		err := nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("hotel", func(ctx workflow.Context) error {
				return errors.Join(deadline.Sleep(ctx, time.Hour), fmt.Errorf("undo: %w", errReal))
			})
			return nil
		})
		want = err.Error()
		return err
	})
	if err := failure.Decode(came); err == nil || err.Error() != want {
		t.Errorf("Decode: text %q, want that of the workflow's error, %q", err, want)
	}
}

// Each of the workflows around one that fails adds its part to the error, and no copy of it.
func TestNestedWorkflows(t *testing.T) {
	const depth = 6
	sizes := make([]int, depth+1)
	nested := func(ctx workflow.Context, n int) error {
		err := nursery.Run(ctx, func(ctx workflow.Context, nu *nursery.Nursery) error {
			nu.GoNamed(fmt.Sprint("level ", n), func(ctx workflow.Context) error {
				if n == 0 {
					return errReal
				}
				_, err := call.Child[any](ctx, "nested", n-1)
				return err
			})
			return nil
		})
		err = failure.Encode(err)
		sizes[n] = proto.Size(temporal.GetDefaultFailureConverter().ErrorToFailure(err))
		return err
	}
	env := wftest.New()
	env.Encode = true
	env.RegisterWorkflowWithOptions(nested, workflow.RegisterOptions{Name: "nested"})
	err := failure.Decode(env.Run(func(ctx workflow.Context) error {
		_, err := call.Child[any](ctx, "nested", depth)
		return err
	}))
	for n := range depth + 1 {
		if task := fmt.Sprint("level ", n); failure.Task(err, task) == nil {
			t.Errorf("Task %q = nil, want the error of the nested workflow", task)
		}
	}
	first, last := sizes[1]-sizes[0], sizes[depth]-sizes[depth-1]
	if last > 2*first {
		t.Errorf("the errors have %d bytes, want that each level adds about as much as the first, %d", sizes, first)
	}
}
