package lifetime_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/lifetime"
	"github.com/trellis-go/trellis/temporal/internal/live"
)

// onServer is a server with two workers, one of which runs everything from its history.
type onServer struct {
	t *testing.T
	c client.Client
}

// start runs a workflow.
func (o onServer) start(ctx context.Context, id string, workflow any, args ...any) client.WorkflowRun {
	o.t.Helper()
	run, err := o.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue, WorkflowRunTimeout: time.Minute}, workflow, args...)
	if err != nil {
		o.t.Fatalf("starting %s: %v", id, err)
	}
	return run
}

// history returns the history of a run and replays it. With TRELLIS_LIVE_SAVE it keeps it.
func (o onServer) history(ctx context.Context, id, runID string) *historypb.History {
	o.t.Helper()
	history := new(historypb.History)
	for it := o.c.GetWorkflowHistory(ctx, id, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			o.t.Fatalf("history of %s: %v", id, err)
		}
		history.Events = append(history.Events, event)
	}
	if err := newReplayer().ReplayWorkflowHistory(live.Silent{}, history); err != nil {
		o.t.Errorf("replay of %s: %v", id, err)
	}
	if os.Getenv("TRELLIS_LIVE_SAVE") != "" {
		if err := live.Save(filepath.Join("testdata", "histories", id+".json.gz"), history); err != nil {
			o.t.Error(err)
		}
	}
	return history
}

func newReplayer() worker.WorkflowReplayer {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: options().Interceptors})
	if err != nil {
		panic(err)
	}
	register(replayer)
	return replayer
}

// count returns how many events of a kind a history has.
func count(history *historypb.History, kind enumspb.EventType) int {
	n := 0
	for _, event := range history.Events {
		if event.GetEventType() == kind {
			n++
		}
	}
	return n
}

// TestOnAServer shows what the test environment cannot: canceled activities that are awaited, child
// workflows that clean up, workflows that are canceled, evicted and continued. It needs the
// executable of temporal/devserver in TRELLIS_DEVSERVER.
func TestOnAServer(t *testing.T) {
	binary := os.Getenv("TRELLIS_DEVSERVER")
	if binary == "" {
		t.Skip("TRELLIS_DEVSERVER is not set: the workflows were NOT run on a server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	server, err := live.StartServer(ctx, binary)
	if err != nil {
		t.Fatalf("StartServer: %v", err)
	}
	defer server.Stop()
	c, err := server.Dial("test")
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	defer c.Close()
	for _, name := range []string{"1", "2"} {
		w, err := live.StartWorker(server, name, os.Stderr)
		if err != nil {
			t.Fatalf("StartWorker: %v", err)
		}
		defer w.Kill()
	}
	t.Run("a trip", func(t *testing.T) { onServer{t, c}.trip(ctx) })
	t.Run("a child under a limit", func(t *testing.T) { onServer{t, c}.limited(ctx) })
	t.Run("canceled", func(t *testing.T) { onServer{t, c}.canceled(ctx) })
	t.Run("an account", func(t *testing.T) { onServer{t, c}.account(ctx) })
	t.Run("changed code", func(t *testing.T) { onServer{t, c}.changed(ctx) })
}

// trip: one booking fails, a sibling is canceled and awaited, and what was booked is undone.
func (o onServer) trip(ctx context.Context) {
	run := o.start(ctx, "trip", lifetime.Trip)
	err := failure.Decode(run.Get(ctx, nil))
	var app *temporal.ApplicationError
	if !errors.As(failure.Task(err, "hotel"), &app) || app.Type() != "Full" || len(failure.Tasks(err)) != 1 {
		o.t.Errorf("Trip = %v, want the failure of the hotel alone", err)
	}
	history := o.history(ctx, run.GetID(), run.GetRunID())
	canceled, undo := -1, -1
	for i, event := range history.Events {
		switch {
		case event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			canceled = i
		case event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "Undo":
			undo = i
		}
	}
	if canceled < 0 || undo < canceled {
		o.t.Errorf("the flight ended as canceled in event %d and the clean-up began in event %d, want the first before the second", canceled, undo)
	}
	value, err := o.c.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), "undone")
	var undone []string
	if err == nil {
		err = value.Get(&undone)
	}
	if err != nil || fmt.Sprint(undone) != "[undone: car]" {
		o.t.Errorf("undone: %v, %v, want the car", undone, err)
	}
}

// limited: a child is canceled by the limit around it, cleans up, and has ended when the limit is an
// error.
func (o onServer) limited(ctx context.Context) {
	run := o.start(ctx, "limited", lifetime.Limited)
	err := failure.Decode(run.Get(ctx, nil))
	var slow *deadline.TooSlowError
	if !errors.As(err, &slow) || slow.Limit != time.Second {
		o.t.Errorf("Limited = %v, want a TooSlowError of a second", err)
	}
	history := o.history(ctx, run.GetID(), run.GetRunID())
	if n := count(history, enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED); n != 1 {
		o.t.Errorf("%d children ended as canceled, want 1", n)
	}
}

// canceled: a workflow that a client cancels cleans up and closes as canceled.
func (o onServer) canceled(ctx context.Context) {
	run := o.start(ctx, "canceled", lifetime.Slow)
	if err := o.c.CancelWorkflow(ctx, run.GetID(), ""); err != nil {
		o.t.Fatal(err)
	}
	err := run.Get(ctx, nil)
	history := o.history(ctx, run.GetID(), run.GetRunID())
	if !temporal.IsCanceledError(err) || count(history, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) != 1 {
		o.t.Errorf("Slow = %v, want that it closes as canceled", err)
	}
	if n := count(history, enumspb.EVENT_TYPE_TIMER_FIRED); n != 1 {
		o.t.Errorf("%d timers fired, want the one of the clean-up", n)
	}
}

// account: signals, an update and a query across runs.
func (o onServer) account(ctx context.Context) {
	run := o.start(ctx, "account", lifetime.Account, lifetime.Balance{Limit: 4})
	for range 10 {
		if err := o.c.SignalWorkflow(ctx, run.GetID(), "", "deposit", 10); err != nil {
			o.t.Fatal(err)
		}
	}
	handle, err := o.c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: run.GetID(), UpdateName: "withdraw",
		Args: []any{30}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		o.t.Fatalf("withdraw: %v", err)
	}
	if err := o.c.SignalWorkflow(ctx, run.GetID(), "", "close", nil); err != nil {
		o.t.Fatal(err)
	}
	var b lifetime.Balance
	if err := o.c.GetWorkflow(ctx, run.GetID(), "").Get(ctx, &b); err != nil {
		o.t.Fatalf("Account: %v", err)
	}
	if b.Amount != 70 || b.Deposits != 10 || !b.Closed {
		o.t.Errorf("Account = %+v, want 70 after ten deposits", b)
	}
	o.history(ctx, run.GetID(), run.GetRunID()) // the first run
}

// changed: a workflow that began with the code as it was continues with the code as it is.
func (o onServer) changed(ctx context.Context) {
	for id, want := range map[string]string{"changed-before": "car", "changed": "boat"} {
		var fn any = lifetime.Changed
		if id == "changed-before" {
			fn = "ChangedBefore"
		}
		run := o.start(ctx, id, fn)
		var got string
		if err := run.Get(ctx, &got); err != nil || got != want {
			o.t.Errorf("%s = %q, %v, want %q", id, got, err, want)
		}
		o.history(ctx, run.GetID(), run.GetRunID())
	}
}

// TestKeptHistories replays histories of workflows that ran on a server with an earlier version of
// this module: the order of commands is a promise to workflows that run.
func TestKeptHistories(t *testing.T) {
	names, err := filepath.Glob("testdata/histories/*.json.gz")
	if err != nil || len(names) < 6 {
		t.Fatalf("histories %q, %v, want six", names, err)
	}
	for _, name := range names {
		history, err := live.Load(name)
		if err == nil {
			err = newReplayer().ReplayWorkflowHistory(live.Silent{}, history)
		}
		if err != nil {
			t.Errorf("replay of %s: %v", name, err)
		}
	}
}

// A change of the code needs a version: with one, a workflow of the code before continues; without one,
// its replay fails.
func TestVersions(t *testing.T) {
	history, err := live.Load("testdata/histories/changed-before.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		fn any
		ok bool
	}{{lifetime.ChangedBefore, true}, {lifetime.Changed, true}, {lifetime.ChangedCarelessly, false}} {
		replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: options().Interceptors})
		if err != nil {
			t.Fatal(err)
		}
		replayer.RegisterWorkflowWithOptions(test.fn, workflow.RegisterOptions{Name: "ChangedBefore"})
		err = replayer.ReplayWorkflowHistory(live.Silent{}, history)
		if (err == nil) != test.ok || err != nil && !strings.Contains(err.Error(), "nondeterministic") {
			t.Errorf("replay with other code = %v, want success: %t", err, test.ok)
		}
	}
}
