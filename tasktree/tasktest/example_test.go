package tasktest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree/tasktest"
)

// A printer is a test that prints the first line of each failure. In a test it is t.
type printer struct {
	testing.TB
	cleanup []func()
}

func (p *printer) Name() string             { return "TestServer" }
func (p *printer) Helper()                  {}
func (p *printer) Context() context.Context { return context.Background() }
func (p *printer) Cleanup(f func())         { p.cleanup = append(p.cleanup, f) }

func (p *printer) Errorf(format string, args ...any) {
	line, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\n")
	line, _, _ = strings.Cut(line, " (") // without the place
	fmt.Println(line)
}

func (p *printer) end() {
	for i := len(p.cleanup) - 1; i >= 0; i-- {
		p.cleanup[i]()
	}
}

// Give the code under test a context of the test, so that nothing outlives it unnoticed.
func ExampleContext() {
	t := &printer{}
	ctx := tasktest.Context(t)
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("worker", func(ctx context.Context) error { return nil })
		return nil
	})
	fmt.Println(err)
	t.end() // which package testing does
	// Output: <nil>
}

// Allow clean-up less time than the five seconds that it has otherwise.
func ExampleConfig_Context() {
	t := &printer{}
	ctx := tasktest.Config{Grace: 20 * time.Millisecond, Output: os.Stdout}.Context(t)
	begun, release, ended := make(chan bool), make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("forgotten", func(context.Context) error { close(begun); <-release; return nil })
			return nil
		})
	}()
	<-begun
	t.end()
	close(release)
	<-ended
	// Output: still runs 20ms after the end of the test: task "forgotten"
}

// Find out which task keeps a function from returning, instead of waiting for the limit of
// go test.
func ExampleRun() {
	t := &printer{}
	err := tasktest.Run(t, 500*time.Millisecond, func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("reader", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }) // of what is never written
			return nil
		})
	})
	fmt.Println(err)
	t.end()
	// Output:
	// still runs after 500ms: task "reader"
	// <nil>
}

// Give the function a second to end once it has been canceled.
func ExampleConfig_Run() {
	t := &printer{}
	err := tasktest.Config{Grace: time.Second}.Run(t, time.Minute, func(ctx context.Context) error {
		return nursery.ForN(ctx, nursery.NoLimit, 3, func(ctx context.Context, i int) error { return nil })
	})
	fmt.Println(err)
	t.end()
	// Output: <nil>
}
