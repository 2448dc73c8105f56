package tasktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/tasktree"
)

var (
	errEnded   = errors.New("the test has ended")
	errTooLong = errors.New("the time limit of tasktest.Run has passed")
)

// Run calls fn in a scope inside t.Context and returns its error, if fn returns within the
// limit. Otherwise the test has failed: Run reports the names of what still runs in fn,
// with its tree, and cancels the scope. If fn returns within [Config.Grace] after that, Run
// returns its error. If it does not, Run reports again, and ends the test with t.FailNow
// while fn continues.
//
// fn runs in another goroutine. If it panics or calls runtime.Goexit, so does Run with the
// same value: t.FailNow in fn ends the test. The log of the test gets the stack of the panic,
// because that of Run does not have the place. Recording is on until the test has ended. In a
// bubble of package testing/synctest the limit is fake time. Run must be called by the
// goroutine of the test, and panics if the limit is not positive.
func Run(t testing.TB, limit time.Duration, fn func(ctx context.Context) error) error {
	t.Helper()
	return Config{}.Run(t, limit, fn)
}

// Run is like the function [Run], with the settings of c.
func (c Config) Run(t testing.TB, limit time.Duration, fn func(ctx context.Context) error) error {
	t.Helper()
	if limit <= 0 {
		panic(fmt.Sprintf("tasktest: Run needs a positive limit, not %v", limit))
	}
	c = c.withDefaults()
	record(t)
	call := &call{scope: cancelscope.Scope{Name: t.Name()}, began: make(chan struct{}), done: make(chan struct{})}
	go call.run(t.Context(), fn)
	<-call.began
	if !call.within(limit) {
		tree := take(call.ctx, true)
		t.Errorf("still runs after %v: %s\n%s", limit, names(tree), tree)
		call.scope.Cancel(errTooLong)
		if !call.within(c.Grace) {
			tree := take(call.ctx, true)
			t.Fatalf("still runs %v after its cancellation: %s\n%s", c.Grace, names(tree), tree)
		}
	}
	switch {
	case call.panicked:
		t.Logf("the function given to tasktest.Run panicked: %v\n\n%s", call.value, call.stack)
		panic(call.value)
	case !call.returned:
		runtime.Goexit()
	}
	return call.err
}

// A call is fn with what becomes of it.
type call struct {
	scope cancelscope.Scope
	began chan struct{}   // closed when ctx has been written
	ctx   context.Context // that of the scope

	done     chan struct{} // closed when the fields below have been written
	err      error
	returned bool
	panicked bool
	value    any
	stack    []byte // of the panic
}

func (c *call) run(ctx context.Context, fn func(ctx context.Context) error) {
	defer close(c.done)
	defer func() {
		if c.returned {
			return
		}
		// Goexit recovers nothing, and a panic never recovers nil.
		if c.value = recover(); c.value != nil {
			c.panicked, c.stack = true, debug.Stack()
		}
	}()
	c.err = c.scope.Run(ctx, func(ctx context.Context) error {
		c.ctx = ctx
		close(c.began)
		return fn(ctx)
	})
	c.returned = true
}

// within reports whether fn ends within the limit.
func (c *call) within(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
	}
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// names returns the names of the innermost nodes inside the scope of the test, which are
// what the others wait for.
func names(t *tasktree.Tree) string {
	const most = 10
	var all []string
	more := 0
	for depth, n := range t.All() {
		if depth == 0 || len(n.Children) > 0 {
			continue
		}
		if len(all) == most {
			more++
			continue
		}
		all = append(all, describe(n))
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	if len(all) == 0 {
		return "the function itself"
	}
	return strings.Join(all, ", ")
}

// verdict is a sentence about what runs in a test.
func verdict(t *tasktree.Tree) string {
	if !busy(t) {
		return "Nothing that is recorded runs in it:"
	}
	return "Still running: " + names(t) + "."
}

func describe(n *tasktree.Node) string {
	text := fmt.Sprintf("%s %q", n.Kind, n.Title())
	if n.Same != nil {
		text += fmt.Sprintf(" and %d like it", n.Same.Count)
	}
	if n.Place != "" {
		text += " (" + n.Place + ")"
	}
	if n.Goroutine != nil {
		text += ": " + n.Goroutine.State
	}
	return text
}
