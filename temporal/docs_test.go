package temporal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/activityscope"
	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/live"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

// What docs/temporal.md shows is in this file, word for word, and runs.

func Order(ctx workflow.Context, parts []string) (err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:    5 * time.Second,
	})
	var reserved []string
	defer cancelscope.Cleanup(ctx, &err, time.Hour, func(ctx workflow.Context) error {
		if err == nil {
			return nil // nothing to undo
		}
		return nursery.Config{Supervise: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			for _, part := range reserved {
				n.GoNamed("release "+part, func(ctx workflow.Context) error {
					_, err := call.Activity[any](ctx, Release, part)
					return err
				})
			}
			return nil
		})
	})
	return deadline.FailAfter(ctx, 24*time.Hour, func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			for _, part := range parts {
				n.GoNamed(part, func(ctx workflow.Context) error {
					_, err := call.Activity[any](ctx, Reserve, part)
					if err == nil {
						reserved = append(reserved, part)
					}
					return err
				})
			}
			return nil
		})
	})
}

func Reserve(ctx context.Context, part string) error {
	_, err := activityscope.Run(ctx, func(ctx context.Context) (any, error) {
		return nil, reserve(ctx, part) // stops when ctx is done
	})
	return err
}

func Release(ctx context.Context, part string) error { return release(ctx, part) }

func runWorker(c client.Client) error {
	w := worker.New(c, "orders", worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{failure.NewInterceptor()},
	})
	w.RegisterWorkflow(Order)
	w.RegisterActivity(Reserve)
	w.RegisterActivity(Release)
	return w.Run(worker.InterruptCh())
}

func placeOrder(ctx context.Context, c client.Client, parts ...string) error {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "orders"}, Order, parts)
	if err != nil {
		return err
	}
	err = failure.Decode(run.Get(ctx, nil))
	for _, task := range failure.Tasks(err) {
		fmt.Printf("%s: %v\n", task.Task, task.Err)
	}
	var out *temporal.ApplicationError
	if errors.As(failure.Task(err, "wheel"), &out) && out.Type() == "OutOfStock" {
		fmt.Println("order the wheel elsewhere")
	}
	return err
}

// A shop has parts that the activities of the page reserve and release.
type shop struct {
	mu       sync.Mutex
	tries    map[string]int
	reserved map[string]bool
}

var theShop *shop

func openShop() { theShop = &shop{tries: make(map[string]int), reserved: make(map[string]bool)} }

// enter counts a call, and locks the shop for it.
func (s *shop) enter(call string) (try int, leave func()) {
	s.mu.Lock()
	s.tries[call]++
	return s.tries[call], s.mu.Unlock
}

var errBusy = errors.New("busy")

// reserve finds out at its second try that there is no wheel: the other parts have been
// reserved by then.
func reserve(_ context.Context, part string) error {
	try, leave := theShop.enter("reserve " + part)
	defer leave()
	if part != "wheel" {
		theShop.reserved[part] = true
		return nil
	}
	if try == 1 {
		return errBusy
	}
	return temporal.NewNonRetryableApplicationError("none left", "OutOfStock", nil)
}

// release cannot release the bell. It releases the others at the second try, after that.
func release(_ context.Context, part string) error {
	try, leave := theShop.enter("release " + part)
	defer leave()
	if part == "bell" {
		return temporal.NewNonRetryableApplicationError("screwed on", "Stuck", nil)
	}
	if try == 1 {
		return errBusy
	}
	delete(theShop.reserved, part)
	return nil
}

// checkOrder checks the end of an order of a frame, a bell and a wheel: the wheel is what
// failed, and the frame was released although the bell could not be.
func checkOrder(t *testing.T, err error) {
	t.Helper()
	var out, stuck *temporal.ApplicationError
	if !errors.As(failure.Task(err, "wheel"), &out) || out.Type() != "OutOfStock" {
		t.Errorf("Order = %v, want the failure of the wheel", err)
	}
	if !errors.As(failure.Task(err, "release bell"), &stuck) || stuck.Type() != "Stuck" {
		t.Errorf("Order = %v, want the failure to release the bell", err)
	}
	if left := slices.Collect(maps.Keys(theShop.reserved)); !slices.Equal(left, []string{"bell"}) {
		t.Errorf("after Order %q are reserved, want the bell alone", left)
	}
}

// The saga of the page, in the test environment.
func TestDocsOrder(t *testing.T) {
	env := wftest.New()
	env.Encode = true
	env.RegisterActivity(Reserve)
	env.RegisterActivity(Release)
	openShop()
	checkOrder(t, failure.Decode(env.Run(func(ctx workflow.Context) error { return Order(ctx, []string{"frame", "bell", "wheel"}) })))
}

// The saga of the page, on a server.
func TestDocsOnAServer(t *testing.T) {
	binary := os.Getenv("TRELLIS_DEVSERVER")
	if binary == "" {
		t.Skip("TRELLIS_DEVSERVER is not set: the code of the page was NOT run on a server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server, err := live.StartServer(ctx, binary)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	c, err := server.Dial("docs")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended := make(chan error)
	go func() { ended <- runWorker(c) }()
	openShop()
	checkOrder(t, placeOrder(ctx, c, "frame", "bell", "wheel"))
	self, _ := os.FindProcess(os.Getpid())
	_ = self.Signal(os.Interrupt) // worker.InterruptCh waits for it
	if err := <-ended; err != nil {
		t.Errorf("runWorker = %v, want nil", err)
	}
}

// The pieces of the page that stand for themselves.
func Example_docs() {
	err := wftest.Run(func(ctx workflow.Context) error {
		approvals := workflow.GetSignalChannel(ctx, "approve")

		// at most a day for a signal
		expired, err := deadline.MoveOnAfter(ctx, 24*time.Hour, func(ctx workflow.Context) error {
			var by string
			_, err := wait.Receive(ctx, approvals, &by)
			return err
		})

		// the first of two answers, the other one taken back
		answer, err2 := nursery.Race(ctx, takeBack, askPhone, askMail)

		// ten at a time
		err3 := nursery.ForEach(ctx, 10, orders, func(ctx workflow.Context, o string) error {
			return deadline.Sleep(ctx, time.Minute)
		})

		fmt.Println(expired, err, answer, err2, err3)
		return nil
	})
	fmt.Println(err)
	// Output:
	// taken back: mail
	// true <nil> phone <nil> <nil>
	// <nil>
}

var orders = []string{"a", "b"}

func askPhone(workflow.Context) (string, error) { return "phone", nil }
func askMail(workflow.Context) (string, error)  { return "mail", nil }
func takeBack(answer string)                    { fmt.Println("taken back:", answer) }

// Every piece of Go on the page is in this file, or in one of those that it names.
func TestDocsAreRun(t *testing.T) {
	page, err := os.ReadFile("../docs/temporal.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, name := range []string{"docs_test.go", "internal/lifetime/account.go", "internal/lifetime/trip.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, normal(string(source)))
	}
	all := strings.Join(sources, "\n")
	pieces := strings.Split(string(page), "```go\n")[1:]
	if len(pieces) < 5 {
		t.Errorf("%d pieces of Go on the page, want at least 5", len(pieces))
	}
	for _, piece := range pieces {
		piece, _, _ = strings.Cut(piece, "```")
		if !strings.Contains(all, normal(piece)) {
			t.Errorf("a piece of the page is in no file that is run:\n%s", piece)
		}
	}
}

// normal returns the lines without indentation.
func normal(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
