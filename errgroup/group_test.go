package errgroup_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	xsync "golang.org/x/sync/errgroup"

	"github.com/trellis-go/trellis/errgroup"
)

// A group is what both packages offer, so that each test can ask both.
type group interface {
	Go(func() error)
	TryGo(func() error) bool
	SetLimit(int)
	Wait() error
}

// An implementation is one of the two packages.
type implementation struct {
	name        string
	zero        func() group
	withContext func(context.Context) (group, context.Context)
}

var implementations = []implementation{
	{
		"trellis",
		func() group { return new(errgroup.Group) },
		func(ctx context.Context) (group, context.Context) { return errgroup.WithContext(ctx) },
	},
	{
		"x/sync",
		func() group { return new(xsync.Group) },
		func(ctx context.Context) (group, context.Context) { return xsync.WithContext(ctx) },
	},
}

// both runs a test with this package and with the one that it replaces: what is asked of
// the copy has to be true of the model.
func both(t *testing.T, test func(t *testing.T, impl implementation)) {
	t.Helper()
	for _, impl := range implementations {
		t.Run(impl.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, impl) })
		})
	}
}

var (
	errBoom = errors.New("boom")
	errLate = errors.New("late")
)

func succeed() error { return nil }

func TestFirstErrorWins(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		second := make(chan struct{})
		g.Go(func() error { <-second; return errLate })
		g.Go(func() error { return errBoom })
		synctest.Wait() // errBoom is recorded, its task has ended
		if got := context.Cause(ctx); got != errBoom {
			t.Errorf("Cause after the first failure: got %v, want %v", got, errBoom)
		}
		if got := ctx.Err(); got != context.Canceled {
			t.Errorf("Err after the first failure: got %v, want %v", got, context.Canceled)
		}
		close(second)
		if got := g.Wait(); got != errBoom {
			t.Errorf("Wait: got %v, want %v", got, errBoom)
		}
		if got := context.Cause(ctx); got != errBoom {
			t.Errorf("Cause after Wait: got %v, want %v", got, errBoom)
		}
	})
}

func TestWaitWaitsForEveryTask(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		release := make(chan struct{})
		var ended atomic.Int32
		for range 3 {
			g.Go(func() error { <-release; ended.Add(1); return nil })
		}
		waited := make(chan int32, 1)
		go func() { g.Wait(); waited <- ended.Load() }()
		synctest.Wait() // all tasks block, and so does Wait
		select {
		case <-waited:
			t.Error("Wait returned while tasks run")
		default:
		}
		if err := ctx.Err(); err != nil {
			t.Errorf("Err while tasks run: got %v, want nil", err)
		}
		close(release)
		if got := <-waited; got != 3 {
			t.Errorf("Wait returned after %d tasks, want 3", got)
		}
	})
}

func TestWaitEndsTheContext(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		g.Go(succeed)
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: got %v, want nil", err)
		}
		if got := context.Cause(ctx); got != context.Canceled {
			t.Errorf("Cause after Wait: got %v, want %v", got, context.Canceled)
		}
	})
}

func TestContextFollowsItsParent(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		parent, cancel := context.WithCancelCause(t.Context())
		g, ctx := impl.withContext(parent)
		cancel(errBoom)
		if got := context.Cause(ctx); got != errBoom {
			t.Errorf("Cause when the parent is canceled: got %v, want %v", got, errBoom)
		}
		// The cancellation of the parent is no error of a task.
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: got %v, want nil", err)
		}
	})
}

func TestNilParentPanics(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		defer func() {
			if got, want := fmt.Sprint(recover()), "cannot create context from nil parent"; got != want {
				t.Errorf("WithContext(nil): got panic %q, want %q", got, want)
			}
		}()
		impl.withContext(nil)
	})
}

func TestErrorStaysAfterWait(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		g.Go(func() error { return errBoom })
		g.Wait()
		g.Go(func() error { return errLate })
		if got := g.Wait(); got != errBoom {
			t.Errorf("second Wait: got %v, want %v", got, errBoom)
		}
	})
}

// A typed nil is an error that is not nil, and Wait gives back the very value.
func TestTypedNilIsAnError(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		g.Go(func() error { return (*typedError)(nil) })
		if got := g.Wait(); got != error((*typedError)(nil)) {
			t.Errorf("Wait: got %v, want the typed nil", got)
		}
		if got := context.Cause(ctx); got != error((*typedError)(nil)) {
			t.Errorf("Cause: got %v, want the typed nil", got)
		}
	})
}

type typedError struct{}

func (*typedError) Error() string { return "typed" }

func TestGoexitCountsAsSuccess(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		g.SetLimit(1)
		g.Go(func() error { runtime.Goexit(); return errBoom })
		// The place is free again, or Go blocks forever.
		g.Go(func() error { return ctx.Err() })
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: got %v, want nil", err)
		}
	})
}

func TestTasksStartTasks(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		var ended atomic.Int32
		var grow func(depth int) func() error
		grow = func(depth int) func() error {
			return func() error {
				if depth > 0 {
					g.Go(grow(depth - 1))
					g.TryGo(grow(depth - 1))
				}
				ended.Add(1)
				return nil
			}
		}
		g.Go(grow(5))
		g.Wait()
		if got, want := ended.Load(), int32(63); got != want {
			t.Errorf("Wait returned after %d tasks, want %d", got, want)
		}
	})
}

// A failing task that is not the first still has its place while the context is being
// canceled: no failing task ends before the cancellation is complete. This is outside a
// bubble, where a task that waits for a lock would keep Wait from returning.
func TestFailingTasksEndAfterTheCancellation(t *testing.T) {
	for _, impl := range implementations {
		t.Run(impl.name, func(t *testing.T) {
			parent := &slowParent{Context: t.Context(), release: make(chan struct{})}
			g, ctx := impl.withContext(parent)
			g.SetLimit(2)
			g.Go(func() error { return errBoom })
			<-ctx.Done() // the first task cancels the context, and waits for the parent
			returned := make(chan struct{})
			g.Go(func() error { defer close(returned); return errLate })
			<-returned
			// The second task has nothing to do but wait for the first. It gets a thousand
			// chances to do something else.
			for range 1000 {
				if runtime.Gosched(); g.TryGo(succeed) {
					t.Fatal("a failing task ended before the cancellation was complete")
				}
			}
			close(parent.release)
			if got := g.Wait(); got != errBoom {
				t.Errorf("Wait: got %v, want %v", got, errBoom)
			}
		})
	}
}

// A slowParent is a context that a child cannot leave before release is closed. Its
// method AfterFunc makes it one that package context registers with by a function.
type slowParent struct {
	context.Context
	release chan struct{}
}

func (p *slowParent) Done() <-chan struct{} { return make(chan struct{}) }

func (p *slowParent) AfterFunc(func()) (stop func() bool) {
	return func() bool { <-p.release; return true }
}

func TestTraceNamesThePlace(t *testing.T) {
	for name, start := range map[string]func(g *errgroup.Group, f func() error){
		"Go":    func(g *errgroup.Group, f func() error) { g.Go(f) },
		"TryGo": func(g *errgroup.Group, f func() error) { g.TryGo(f) },
	} {
		t.Run(name, func(t *testing.T) {
			var stack string
			g := new(errgroup.Group)
			start(g, func() error {
				buf := make([]byte, 16<<10)
				stack = string(buf[:runtime.Stack(buf, false)])
				return nil
			})
			g.Wait()
			for _, want := range []string{
				"errgroup.(*Group).run", // or runRecorded
				"created by github.com/trellis-go/trellis/errgroup.(*Group)." + name + " in goroutine",
			} {
				if !strings.Contains(stack, want) {
					t.Errorf("stack in a task has no %q:\n%s", want, stack)
				}
			}
		})
	}
}

// Many goroutines use one group at a time. The race detector looks on.
func TestConcurrentUse(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g, ctx := impl.withContext(t.Context())
		g.SetLimit(7)
		var active, most, started atomic.Int64
		task := func() error {
			n := active.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			runtime.Gosched()
			active.Add(-1)
			if started.Add(1)%100 == 0 {
				return errBoom
			}
			return nil
		}
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for i := range 100 {
					if i%2 == 0 || !g.TryGo(task) {
						g.Go(task)
					}
				}
			})
		}
		callers.Wait()
		var waiters sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			waiters.Go(func() { errs[i] = g.Wait() })
		}
		waiters.Wait()
		if want := slices.Repeat([]error{errBoom}, 4); !slices.Equal(errs, want) {
			t.Errorf("four calls of Wait: got %v, want %v", errs, want)
		}
		if got := most.Load(); got > 7 {
			t.Errorf("%d tasks at a time, want at most 7", got)
		}
		if got := started.Load(); got != 800 {
			t.Errorf("%d tasks ran, want 800", got)
		}
		if got := context.Cause(ctx); got != errBoom {
			t.Errorf("Cause: got %v, want %v", got, errBoom)
		}
	})
}
