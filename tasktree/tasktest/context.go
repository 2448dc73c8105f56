package tasktest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/tasktree"
)

// Context returns a context for a test, in a scope with the name of the test, inside
// t.Context. Recording is on until the test has ended.
//
// When the test has ended the scope is canceled, with t.Context, before any cleanup function
// runs. When the cleanup functions that were registered later have ended too, Context waits, in
// a cleanup function, until nothing that is recorded runs under the context, for
// [Config.Grace] at most. If something still does, the test fails with the names of it, and
// its tree. It fails once, whatever it leaves behind.
//
// If there is a limit of go test -timeout, and the test still runs shortly before that, see
// [Config.Before], its tree is printed. A test that has ended by then prints nothing. Context
// cannot know whether a test hangs or is only slow.
//
// Context may be called several times in a test, and by parallel tests, each of which
// answers for what is its own. In a bubble of package testing/synctest the grace is fake
// time, and the limit of go test is not looked at. It must be called by the goroutine of the
// test, as t.Cleanup.
func Context(t testing.TB) context.Context {
	t.Helper()
	return Config{}.Context(t)
}

// Context is like the function [Context], with the settings of c.
func (c Config) Context(t testing.TB) context.Context {
	t.Helper()
	c = c.withDefaults()
	record(t)
	scope := &cancelscope.Scope{Name: t.Name()}
	ctx, end := scope.Enter(t.Context())
	stop := c.beforeTimeout(t, ctx)
	t.Cleanup(func() {
		t.Helper()
		stop()
		scope.Cancel(errEnded)
		if tree := awaitEnd(ctx, c.Grace); tree != nil {
			t.Errorf("still runs %v after the end of the test: %s\n%s", c.Grace, names(tree), tree)
		}
		var err error
		end(&err)
	})
	return ctx
}

// awaitEnd waits until nothing runs under ctx, and returns nil, or the tree if something
// still does when limit has passed.
func awaitEnd(ctx context.Context, limit time.Duration) *tasktree.Tree {
	pause := time.Millisecond
	for begin := time.Now(); ; pause = min(2*pause, 50*time.Millisecond) {
		// With stacks only when they are to be shown, because they stop the process.
		if !busy(take(ctx, false)) {
			return nil
		}
		left := limit - time.Since(begin)
		if left <= 0 {
			if tree := take(ctx, true); busy(tree) {
				return tree
			}
			return nil
		}
		<-time.After(min(pause, left)) // not deadline.Sleep: ctx is canceled by now
	}
}

func take(ctx context.Context, stacks bool) *tasktree.Tree {
	return tasktree.Take(tasktree.Options{Within: ctx, Stacks: stacks})
}

// busy reports whether something runs inside the scope of the test.
func busy(t *tasktree.Tree) bool {
	for depth := range t.All() {
		if depth > 0 {
			return true
		}
	}
	return false
}
