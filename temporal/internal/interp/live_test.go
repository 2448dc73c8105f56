package interp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/internal/corpus"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/internal/interp"
	"github.com/trellis-go/trellis/temporal/internal/live"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

const queue = "programs"

// runWorker is what a worker process does.
//
// The second one keeps no workflow in memory: it runs each again from its history in every task.
func runWorker(ctx context.Context, name string, c client.Client) error {
	if name == "2" {
		worker.SetStickyWorkflowCacheSize(0)
	}
	// A killed worker is noticed by timeouts: short ones here, so that others continue soon.
	options := wftest.Options()
	options.StickyScheduleToStartTimeout = time.Second
	w := worker.New(c, queue, options)
	w.RegisterWorkflowWithOptions(interp.Workflow, workflow.RegisterOptions{Name: "program"})
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}

// TestRecordingsOnAServer runs recordings on a server in memory, with two worker processes, and
// replays the history of each. It needs the executable of temporal/devserver:
//
//	go build -C temporal/devserver -o "$HOME/trellis-devserver" .
//	TRELLIS_DEVSERVER="$HOME/trellis-devserver" go test -count=1 -v -run OnAServer ./internal/interp
//
// TRELLIS_LIVE_PROGRAMS says how many are run, 420 if it is not set. TRELLIS_LIVE_KILL=7s kills and
// restarts a worker every seven seconds. TRELLIS_LIVE_SAVE=12 writes so many histories to testdata.
func TestRecordingsOnAServer(t *testing.T) {
	binary := os.Getenv("TRELLIS_DEVSERVER")
	if binary == "" {
		t.Skip("TRELLIS_DEVSERVER is not set: the recordings were NOT run on a server")
	}
	count := 420
	if s := os.Getenv("TRELLIS_LIVE_PROGRAMS"); s != "" {
		var err error
		if count, err = strconv.Atoi(s); err != nil {
			t.Fatalf("TRELLIS_LIVE_PROGRAMS: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
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
	var workers []*live.Worker
	for _, name := range []string{"1", "2"} {
		w, err := live.StartWorker(server, name, os.Stderr)
		if err != nil {
			t.Fatalf("StartWorker: %v", err)
		}
		defer w.Kill()
		workers = append(workers, w)
	}
	run := &liveRun{t: t, c: c}
	programs := onServer(t, count)
	stop := killAndRestart(t, workers)
	begin := time.Now()
	err = nursery.ForEach(ctx, 60, slices.Values(programs), run.program)
	took := time.Since(begin)
	kills := stop()
	if err != nil {
		t.Errorf("running the programs: %v", err)
	}
	fmt.Printf("temporal: %d programs on a server with %d worker processes, %d kills, in %v: %d differ, %d again with longer ticks; %d histories replayed, %d events, %d failures\n",
		run.ran, len(workers), kills, took.Round(time.Second), run.differ, run.again, run.replayed, run.events, run.broken)
	if run.ran != count {
		t.Errorf("%d programs were run, want %d", run.ran, count)
	}
}

// A row is a program with its text.
type row struct {
	c     *corpus.Case
	text  string
	ticks int64 // it takes
}

// onServer returns count programs for which real time is good enough: those whose outcome does not
// depend on the schedule, and whose instants are far apart.
func onServer(t *testing.T, count int) []row {
	var rows []row
	for _, name := range recordings {
		path := filepath.Join(recorded, name)
		cases := load(t, path)
		lines := bytes.Split(text(t, path), []byte("\n"))
		for _, c := range cases {
			if _, err := corpus.Predict(c.Program, c.Flavor, corpus.Eager, 1, 30); err != nil {
				continue
			}
			if closest(c) < 0.08 {
				continue
			}
			rows = append(rows, row{c, string(lines[c.Line-1]), max(c.Expect.End, 1)})
		}
	}
	// Not always the same ones; which they were can be seen when one differs.
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	t.Logf("%d of the recordings will do", len(rows))
	if len(rows) < count {
		t.Fatalf("%d programs will do, want %d", len(rows), count)
	}
	return rows[:count]
}

// closest returns the smallest distance of two instants of a program, as a part of the whole: those
// at which something was recorded, and those at which a timer would have fired, also one that was
// canceled before. So it runs the program in the test environment.
func closest(c *corpus.Case) float64 {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(wftest.Options())
	begin := env.Now()
	instants := []int64{0, c.Expect.End}
	env.SetOnTimerScheduledListener(func(_ string, d time.Duration) {
		instants = append(instants, int64(env.Now().Sub(begin)+d)/int64(time.Millisecond))
	})
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		begin = workflow.Now(ctx)
		interp.Run(ctx, c.Program, interp.Options{Flavor: c.Flavor, Pace: corpus.Eager, Tick: time.Millisecond})
		return nil
	}, workflow.RegisterOptions{Name: "program"})
	env.ExecuteWorkflow("program")
	for _, events := range c.Expect.Trace {
		for _, e := range events {
			instants = append(instants, e.Tick)
		}
	}
	slices.Sort(instants)
	instants = slices.Compact(instants)
	least := 1.0
	for i := 1; i < len(instants) && c.Expect.End > 0; i++ {
		least = min(least, float64(instants[i]-instants[i-1])/float64(c.Expect.End))
	}
	return least
}

func text(t *testing.T, path string) []byte {
	data, err := os.ReadFile(path)
	if err == nil {
		var zr *gzip.Reader
		if zr, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			data, err = io.ReadAll(zr)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return data
}

// A liveRun counts what has happened.
type liveRun struct {
	t *testing.T
	c client.Client

	mu sync.Mutex
	// Guarded by mu.
	ran, differ, again       int
	replayed, events, broken int
	saved                    int
}

// program runs one program, and again more slowly if it differs: on a loaded machine two instants
// may have come together.
func (r *liveRun) program(ctx context.Context, p row) error {
	for attempt, whole := range []time.Duration{6 * time.Second, 20 * time.Second, 60 * time.Second} {
		show, err := r.once(ctx, p, whole)
		if err != nil {
			return fmt.Errorf("%s: %w", p.c.ID, err)
		}
		r.mu.Lock()
		switch {
		case show == "":
			r.ran++
		case attempt < 2:
			r.again++
		default:
			r.ran++
			r.differ++
			r.t.Errorf("%s", show)
		}
		r.mu.Unlock()
		if show == "" {
			return nil
		}
	}
	return nil
}

// once runs a program in about the given time, and returns how it differs.
func (r *liveRun) once(ctx context.Context, p row, whole time.Duration) (string, error) {
	id := fmt.Sprintf("%s-%d", p.c.ID, whole)
	options := client.StartWorkflowOptions{ID: id, TaskQueue: queue, WorkflowRunTimeout: 3 * time.Minute, WorkflowTaskTimeout: 2 * time.Second,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE}
	run, err := r.c.ExecuteWorkflow(ctx, options, "program", interp.Input{Row: p.text, Tick: max(whole/time.Duration(p.ticks), 1)})
	if err != nil {
		return "", err
	}
	var result interp.Result
	if err := run.Get(ctx, &result); err != nil {
		return "", err
	}
	if err := r.replay(ctx, run); err != nil {
		return "", err
	}
	c := *p.c
	c.Expect = interp.WithoutTimes(c.Expect)
	return corpus.Show(&c, result.Outcome()), nil
}

// replay runs the workflow again from its history, as a worker would that takes it over.
func (r *liveRun) replay(ctx context.Context, run client.WorkflowRun) error {
	history := new(historypb.History)
	for events := r.c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, event)
	}
	err := newReplayer().ReplayWorkflowHistory(live.Silent{}, history)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replayed++
	r.events += len(history.Events)
	if err != nil {
		r.broken++
		r.t.Errorf("replay of %s: %v", run.GetID(), err)
	}
	if save, _ := strconv.Atoi(os.Getenv("TRELLIS_LIVE_SAVE")); r.saved < save && len(history.Events) > 15 {
		r.saved++
		return live.Save(filepath.Join("testdata", "histories", run.GetID()+".json.gz"), history)
	}
	return nil
}

func newReplayer() worker.WorkflowReplayer {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(interp.Workflow, workflow.RegisterOptions{Name: "program"})
	return replayer
}

// killAndRestart kills a worker now and then, if that is wanted, until stop is called, which returns
// how often.
func killAndRestart(t *testing.T, workers []*live.Worker) (stop func() int) {
	every, err := time.ParseDuration(os.Getenv("TRELLIS_LIVE_KILL"))
	if err != nil || every <= 0 {
		return func() int { return 0 }
	}
	done, stopped := make(chan struct{}), make(chan int)
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		kills := 0
		for {
			select {
			case <-done:
				stopped <- kills
				return
			case <-ticker.C:
				w := workers[kills%len(workers)]
				w.Kill()
				kills++
				if err := w.Start(); err != nil {
					t.Errorf("restarting a worker: %v", err)
				}
			}
		}
	}()
	return func() int {
		close(done)
		return <-stopped
	}
}

// TestKeptHistories replays histories of programs that ran on a server with an earlier version of
// this module: the order of commands is a promise to workflows that run.
func TestKeptHistories(t *testing.T) {
	names, err := filepath.Glob("testdata/histories/*.json.gz")
	if err != nil || len(names) == 0 {
		t.Fatalf("no histories: %v", err)
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
