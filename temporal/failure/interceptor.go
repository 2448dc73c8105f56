package failure

import (
	"context"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// NewInterceptor returns an interceptor for worker.Options that encodes the errors which
// workflows, updates and activities of the worker return. Put it first, so that what other
// interceptors return is encoded as well.
func NewInterceptor() interceptor.WorkerInterceptor { return Converter{}.NewInterceptor() }

// NewInterceptor is like the function [NewInterceptor].
func (c Converter) NewInterceptor() interceptor.WorkerInterceptor {
	return &workerInterceptor{converter: c}
}

type workerInterceptor struct {
	interceptor.WorkerInterceptorBase
	converter Converter
}

func (w *workerInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &activityInterceptor{converter: w.converter}
	i.Next = next
	return i
}

func (w *workerInterceptor) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &workflowInterceptor{converter: w.converter}
	i.Next = next
	return i
}

type activityInterceptor struct {
	interceptor.ActivityInboundInterceptorBase
	converter Converter
}

func (i *activityInterceptor) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	result, err := i.Next.ExecuteActivity(ctx, in)
	return result, i.converter.EncodeActivity(ctx, err)
}

type workflowInterceptor struct {
	interceptor.WorkflowInboundInterceptorBase
	converter Converter
}

func (i *workflowInterceptor) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	result, err := i.Next.ExecuteWorkflow(ctx, in)
	return result, i.converter.Encode(err)
}

func (i *workflowInterceptor) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	result, err := i.Next.ExecuteUpdate(ctx, in)
	return result, i.converter.Encode(err)
}
