package lifetime_test

import (
	"context"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/lifetime"
	"github.com/trellis-go/trellis/temporal/internal/live"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

const queue = "lifetime"

func TestMain(m *testing.M) {
	live.AsWorker(runWorker) // does not return in a worker process
	goleak.VerifyTestMain(m)
}

// options are those of all workers: what their workflows and activities return is encoded.
func options() worker.Options {
	o := wftest.Options()
	o.Interceptors = []interceptor.WorkerInterceptor{failure.NewInterceptor()}
	return o
}

// runWorker is what a worker process does. The second one keeps no workflow in memory: it runs each
// again from its history in each workflow task.
func runWorker(ctx context.Context, name string, c client.Client) error {
	if name == "2" {
		worker.SetStickyWorkflowCacheSize(0)
	}
	w := worker.New(c, queue, options())
	register(w)
	w.RegisterActivity(lifetime.Book)
	w.RegisterActivity(lifetime.Undo)
	w.RegisterActivity(Nothing)
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}

// register registers the workflows, by the names that the kept histories have.
func register(r worker.WorkflowRegistry) {
	r.RegisterWorkflow(lifetime.Account)
	r.RegisterWorkflow(lifetime.Trip)
	r.RegisterWorkflow(lifetime.Limited)
	r.RegisterWorkflow(lifetime.Slow)
	r.RegisterWorkflow(lifetime.Changed)
	r.RegisterWorkflowWithOptions(lifetime.ChangedBefore, workflow.RegisterOptions{Name: "ChangedBefore"})
	r.RegisterWorkflow(Plain)
	r.RegisterWorkflow(Structured)
	r.RegisterWorkflow(Empty)
}
