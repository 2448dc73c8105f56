package lifetime_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/internal/live"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Nothing is an activity that does nothing.
func Nothing(context.Context) error { return nil }

func costOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, WaitForCancellation: true})
}

// Empty does nothing.
func Empty(workflow.Context) error { return nil }

// Plain runs n activities at once, with the SDK alone.
func Plain(ctx workflow.Context, n int) error {
	ctx = costOptions(ctx)
	futures := make([]workflow.Future, n)
	for i := range futures {
		futures[i] = workflow.ExecuteActivity(ctx, Nothing)
	}
	var errs []error
	for _, f := range futures {
		errs = append(errs, f.Get(ctx, nil))
	}
	return errors.Join(errs...)
}

// Structured does the same in a nursery.
func Structured(ctx workflow.Context, n int) error {
	ctx = costOptions(ctx)
	return nursery.ForN(ctx, nursery.NoLimit, n, func(ctx workflow.Context, _ int) error {
		_, err := call.Activity[any](ctx, Nothing)
		return err
	})
}

// TestCosts measures both on a server, one after the other, and compares the histories.
func TestCosts(t *testing.T) {
	binary := os.Getenv("TRELLIS_DEVSERVER")
	if binary == "" || os.Getenv("TRELLIS_LIVE_COSTS") == "" {
		t.Skip("TRELLIS_DEVSERVER and TRELLIS_LIVE_COSTS are not set: nothing was measured")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	server, err := live.StartServer(ctx, binary)
	if err != nil {
		t.Fatalf("StartServer: %v", err)
	}
	defer server.Stop()
	w, err := live.StartWorker(server, "1", os.Stderr)
	if err != nil {
		t.Fatalf("StartWorker: %v", err)
	}
	defer w.Kill()
	c, err := server.Dial("test")
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	defer c.Close()
	for _, n := range []int{0, 1, 10, 200} {
		took, events := make(map[string][]time.Duration), make(map[string]int)
		for range 15 { // in turn, because the machine may be busy now and idle then
			for _, name := range []string{"Plain", "Structured"} {
				begin := time.Now()
				run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: queue}, name, n)
				if err == nil {
					err = run.Get(ctx, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				took[name] = append(took[name], time.Since(begin))
				events[name] = countEvents(ctx, t, c, run)
			}
		}
		for _, name := range []string{"Plain", "Structured"} {
			slices.Sort(took[name])
			median := took[name][len(took[name])/2]
			fmt.Printf("temporal: %d activities, %s: %d events, median %v, least %v, %.0f activities a second\n",
				n, name, events[name], median.Round(time.Millisecond), took[name][0].Round(time.Millisecond), float64(n)/median.Seconds())
		}
		if events["Plain"] != events["Structured"] {
			t.Errorf("%d activities: %d events with the SDK alone, %d in a nursery, want the same", n, events["Plain"], events["Structured"])
		}
	}
}

// countEvents counts the events of a run without those of workflow tasks, whose number depends on
// which results come together.
func countEvents(ctx context.Context, t *testing.T, c client.Client, run client.WorkflowRun) int {
	events := 0
	for it := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
		default:
			events++
		}
	}
	return events
}
