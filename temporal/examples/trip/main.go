package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/live"
)

func main() {
	live.AsWorker(work) // does not return in a worker process
	where := flag.String("server", "", "use the server at `ADDRESS,NAMESPACE` instead of starting one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server, err := serverFor(ctx, *where)
	if err == nil {
		err = play(ctx, os.Stdout, server)
		server.Stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "trip:", err)
		os.Exit(1)
	}
}

// serverFor returns the server that runs already, or builds and starts one.
func serverFor(ctx context.Context, where string) (*live.Server, error) {
	if address, namespace, ok := strings.Cut(where, ","); ok {
		return &live.Server{Address: address, Namespace: namespace}, nil
	}
	dir, err := os.MkdirTemp("", "trip")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "devserver")
	fmt.Println("building the server: several minutes the first time")
	if err := live.Build(ctx, "devserver", binary); err != nil {
		return nil, fmt.Errorf("building the server in ./devserver: %w", err)
	}
	return live.StartServer(ctx, binary)
}

const queue = "trips"

// work is what a worker process does.
func work(ctx context.Context, _ string, c client.Client) error {
	w := worker.New(c, queue, worker.Options{
		Interceptors:                 []interceptor.WorkerInterceptor{failure.NewInterceptor()},
		StickyScheduleToStartTimeout: time.Second, // how soon the other worker takes a workflow over
		// Two at a time, so that both workers have something to do.
		MaxConcurrentActivityExecutionSize: 2,
	})
	w.RegisterWorkflow(Trip)
	w.RegisterActivity(Book)
	w.RegisterActivity(GiveBack)
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}

// play runs the story.
func play(ctx context.Context, out io.Writer, server *live.Server) error {
	c, err := server.Dial("trip")
	if err != nil {
		return err
	}
	defer c.Close()
	s := &story{out: out, begin: time.Now(), flight: make(chan string, 10)}
	workers := make(map[string]*live.Worker)
	for _, name := range []string{"1", "2"} {
		lines := s.lines("worker " + name)
		defer lines.Close()
		w, err := live.StartWorker(server, name, lines)
		if err != nil {
			return err
		}
		defer w.Kill()
		workers["worker "+name] = w
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "trip", TaskQueue: queue, WorkflowTaskTimeout: 2 * time.Second}, Trip, []Booking{
		{What: "car", Takes: time.Second},
		{What: "hotel", Takes: 8 * time.Second, Full: true},
		{What: "flight", Takes: time.Minute},
	})
	if err != nil {
		return err
	}
	select {
	case name := <-s.flight:
		time.Sleep(2 * time.Second)
		workers[name].Kill()
		s.line("story", "kills "+name)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err = failure.Decode(run.Get(ctx, nil))
	s.line("client", fmt.Sprintf("the trip failed: %v", err))
	var full *temporal.ApplicationError
	if !errors.As(failure.Task(err, "hotel"), &full) {
		return fmt.Errorf("the error of the hotel is missing in %w", err)
	}
	s.line("client", fmt.Sprintf("the hotel said %q, an error of type %s", full.Message(), full.Type()))
	return nil
}

// A story writes what happens where.
type story struct {
	begin  time.Time
	flight chan string // the names of the workers that book the flight

	mu  sync.Mutex
	out io.Writer // written under mu
}

// lines returns a writer for what a worker says.
func (s *story) lines(name string) io.WriteCloser {
	r, w := io.Pipe()
	go func() {
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			s.line(name, scanner.Text())
			if strings.HasPrefix(scanner.Text(), "books the flight") {
				s.flight <- name
			}
		}
	}()
	return w
}

// line writes one line.
func (s *story) line(name, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%4.1fs  %-8s  %s\n", time.Since(s.begin).Seconds(), name, text)
}
