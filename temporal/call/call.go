package call

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/failure"
)

// Activity runs an activity with the activity options of ctx and returns its result when it has
// ended. If ctx is canceled while it runs, so is the activity, and Activity waits for its end: the
// result is returned if the activity succeeds all the same, and otherwise its error, which is a
// cancellation if the activity said so. If ctx is canceled before, the activity is not started, and
// Activity returns the cause of ctx.
//
// It panics if ctx or activity is nil.
func Activity[T any](ctx workflow.Context, activity any, args ...any) (T, error) {
	check("Activity", ctx, activity == nil)
	if cause := cancelscope.Cause(ctx); cause != nil {
		var none T
		return none, cause
	}
	options := workflow.GetActivityOptions(ctx)
	options.WaitForCancellation = true
	ctx = workflow.WithActivityOptions(ctx, options)
	return result[T](ctx, workflow.ExecuteActivity(ctx, activity, args...))
}

// LocalActivity runs a local activity with the local activity options of ctx and returns its result
// when it has ended. A local activity runs in the worker of the workflow. If ctx is canceled, so is
// the context of the activity, but LocalActivity returns at once: the SDK does not wait for it. Use
// it for short calls, and [Activity] for what must have ended.
//
// It panics if ctx or activity is nil.
func LocalActivity[T any](ctx workflow.Context, activity any, args ...any) (T, error) {
	check("LocalActivity", ctx, activity == nil)
	if cause := cancelscope.Cause(ctx); cause != nil {
		var none T
		return none, cause
	}
	return result[T](ctx, workflow.ExecuteLocalActivity(ctx, activity, args...))
}

// Child runs a child workflow with the child options of ctx and returns its result when it has
// ended. If ctx is canceled while it runs, the child is asked to cancel, and Child waits for its
// end, as [Activity] does. If ctx is canceled before, the child is not started.
//
// A child whose parent ends all the same, by a timeout or because it was terminated, is asked to
// cancel as well, unless the options have a ParentClosePolicy: the SDK's default is to terminate
// it, which leaves it no time to clean up.
//
// It panics if ctx or child is nil.
func Child[T any](ctx workflow.Context, child any, args ...any) (T, error) {
	check("Child", ctx, child == nil)
	if cause := cancelscope.Cause(ctx); cause != nil {
		var none T
		return none, cause
	}
	options := workflow.GetChildWorkflowOptions(ctx)
	options.WaitForCancellation = true
	if options.ParentClosePolicy == enumspb.PARENT_CLOSE_POLICY_UNSPECIFIED {
		options.ParentClosePolicy = enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL
	}
	ctx = workflow.WithChildOptions(ctx, options)
	return result[T](ctx, workflow.ExecuteChildWorkflow(ctx, child, args...))
}

// result waits for f, also if ctx is canceled.
func result[T any](ctx workflow.Context, f workflow.Future) (T, error) {
	var value T
	if err := f.Get(ctx, &value); err != nil {
		var none T
		return none, failure.Decode(err)
	}
	return value, nil
}

// check panics where a call is misused.
func check(call string, ctx workflow.Context, missing bool) {
	switch {
	case ctx == nil:
		panic("call: " + call + " with a nil context: pass the one of the workflow or task")
	case missing:
		panic("call: " + call + " of nothing: pass the function or its registered name")
	}
}
