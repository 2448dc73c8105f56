package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A foreignContext is a context of a user's own type that the standard library has to
// watch with a goroutine. Only the context that it was made from is not its own.
type foreignContext struct {
	values context.Context

	mu   sync.Mutex
	done chan struct{}
	err  error
}

func newForeignContext(values context.Context) *foreignContext {
	return &foreignContext{values: values, done: make(chan struct{})}
}

func (c *foreignContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *foreignContext) Done() <-chan struct{}       { return c.done }
func (c *foreignContext) Value(key any) any {
	if _, ok := key.(*int); ok {
		return nil
	}
	return c.values.Value(key)
}

func (c *foreignContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *foreignContext) cancel(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	close(c.done)
}

// An afterFuncContext is one that can be watched without a goroutine.
type afterFuncContext struct {
	foreignContext
	funcs map[*int]func() // guarded by mu
}

func newAfterFuncContext(values context.Context) *afterFuncContext {
	return &afterFuncContext{
		foreignContext: foreignContext{values: values, done: make(chan struct{})},
		funcs:          make(map[*int]func()),
	}
}

func (c *afterFuncContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := new(int)
	c.funcs[id] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, found := c.funcs[id]
		delete(c.funcs, id)
		return found
	}
}

func (c *afterFuncContext) registered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.funcs)
}

func (c *afterFuncContext) cancel(err error) {
	c.foreignContext.cancel(err)
	c.mu.Lock()
	funcs := c.funcs
	c.funcs = nil
	c.mu.Unlock()
	for _, f := range funcs {
		f()
	}
}

// watchers returns how many goroutines of package context wait for a parent.
func watchers() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "created by context.(*cancelCtx).propagateCancel")
}

// awaitNoWatchers waits for the goroutines that tests which have ended leave for a moment.
func awaitNoWatchers(t *testing.T) {
	t.Helper()
	for range 10_000 {
		if watchers() == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d goroutines of other tests wait for a context", watchers())
}

func TestForeignParent(t *testing.T) {
	awaitNoWatchers(t)
	bubbletest.Run(t, "without AfterFunc", func(t *testing.T) {
		outside := newForeignContext(t.Context())
		testForeignParent(t, outside, outside.cancel)
	})
	bubbletest.Run(t, "with AfterFunc", func(t *testing.T) {
		outside := newAfterFuncContext(t.Context())
		testForeignParent(t, outside, outside.cancel)
	})
}

func testForeignParent(t *testing.T, outside context.Context, cancel func(error)) {
	var s, inner cancelscope.Scope
	err := s.Run(outside, func(ctx context.Context) error {
		return inner.Run(ctx, func(ctx context.Context) error {
			checkOpen(t, "ctx", ctx)
			cancel(errors.Join(errBoom, context.DeadlineExceeded))
			// Err says so at once, in one of the two words, and then Done is closed.
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), outside.Err())
			bubbletest.CheckError(t, "Reason", storyOf(t, "s", &s, cancelscope.ByParent).Reason(), outside.Err())
			bubbletest.CheckError(t, "inner.Cause", inner.Cause(), s.Cause())
			return ctx.Err()
		})
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run = %v, want the cancellation from outside", err)
	}
	bubbletest.CheckScope(t, "s", &s, false, false)
	synctest.Wait() // every goroutine that watched the context outside has ended
	if n := watchers(); n != 0 {
		t.Errorf("%d goroutines watch a context after the end, want 0", n)
	}
}

func TestForeignParentWakesWaiters(t *testing.T) {
	wait := func(t *testing.T, outside context.Context, cancel func(error)) {
		start := time.Now()
		time.AfterFunc(time.Minute, func() { cancel(context.Canceled) })
		var s, inner cancelscope.Scope
		err := s.Run(outside, func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				err := deadline.Sleep(ctx, time.Hour)
				bubbletest.CheckElapsed(t, "Sleep", start, time.Minute)
				return err
			})
		})
		bubbletest.CheckError(t, "Run", err, context.Canceled)
		storyOf(t, "inner", &inner, cancelscope.ByParent)
	}
	bubbletest.Run(t, "without AfterFunc", func(t *testing.T) {
		outside := newForeignContext(t.Context())
		wait(t, outside, outside.cancel)
	})
	bubbletest.Run(t, "with AfterFunc", func(t *testing.T) {
		outside := newAfterFuncContext(t.Context())
		wait(t, outside, outside.cancel)
		if n := outside.registered(); n != 0 {
			t.Errorf("%d functions registered after the end, want 0", n)
		}
	})
}

func TestForeignParentIsLetGo(t *testing.T) {
	awaitNoWatchers(t)
	bubbletest.Run(t, "without AfterFunc", func(t *testing.T) {
		outside := newForeignContext(t.Context())
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			if n := watchers(); n != 0 {
				t.Errorf("%d goroutines for a scope that no goroutine waits for, want 0", n)
			}
			ctx.Done()
			if n := watchers(); n != 1 {
				t.Errorf("%d goroutines for a foreign parent, want 1", n)
			}
			return nil
		})
		synctest.Wait() // the goroutine has noticed the end
		if n := watchers(); n != 0 {
			t.Errorf("%d goroutines after the end, want 0", n)
		}
	})

	t.Run("with AfterFunc", func(t *testing.T) {
		outside := newAfterFuncContext(t.Context())
		s := cancelscope.Scope{Adjustable: true}
		s.Run(outside, func(ctx context.Context) error {
			if n := outside.registered(); n != 0 {
				t.Errorf("%d functions registered for a scope that no goroutine waits for, want 0", n)
			}
			ctx.Done()
			ctx.Done()
			if n := outside.registered(); n != 1 {
				t.Errorf("%d functions registered, want 1", n)
			}
			s.SetShield(true)
			s.SetShield(false)
			if n := outside.registered(); n != 1 {
				t.Errorf("%d functions registered after a shield went up and down, want 1", n)
			}
			return nil
		})
		if n := outside.registered(); n != 0 {
			t.Errorf("%d functions registered after the end, want 0", n)
		}
	})
}
