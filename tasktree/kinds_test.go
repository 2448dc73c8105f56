package tasktree_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// TestKinds has one node of each kind, inside what it belongs to.
func TestKinds(t *testing.T) {
	recorded(t, "of nurseries", testKindsOfNurseries)
	recorded(t, "of scopes", testKindsOfScopes)
	recorded(t, "of items", testKindsOfItems)
	recorded(t, "of groups", testKindsOfGroups)
}

func testKindsOfNurseries(t *testing.T) {
	nursery.Config{Name: "serve"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		pause := func() { time.Sleep(time.Millisecond) } // so that the order is known
		n.GoNamed("plain", func(ctx context.Context) error {
			return nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return wait(ctx) })
		})
		pause()
		n.Go(wait)
		pause()
		n.Task("task", wait)
		pause()
		nursery.Spawn(n, "spawned", func(ctx context.Context) (int, error) { return 0, wait(ctx) })
		pause()
		n.Background("background", wait)
		pause()
		nursery.Start(ctx, n, "started", func(ctx context.Context, started func(int)) error {
			started(1)
			return wait(ctx)
		})
		pause()
		nursery.StartBackground(ctx, n, "started background", func(ctx context.Context, started func(int)) error {
			started(1)
			return wait(ctx)
		})
		pause()
		n.GoNamed("starter", func(ctx context.Context) error {
			_, err := nursery.Start(ctx, n, "pending", func(ctx context.Context, started func(int)) error { return wait(ctx) })
			return err
		})
		synctest.Wait() // all tasks wait
		time.Sleep(time.Second)
		tree := tasktree.Take(tasktree.Options{})
		checkLines(t, tree, `
nursery serve, 1.0s, 9 tasks
├─ task plain, 1.0s
│  └─ nursery inner, 1.0s
├─ task tasktree_test.wait, 1.0s
├─ task task, 1.0s
├─ task spawned, 1.0s
├─ background background, 1.0s
├─ task started, 1.0s
├─ background started background, 1.0s
└─ task starter, 1.0s
   └─ start pending, 1.0s, has not called started`)
		if got, want := find(t, tree, "pending").Into, find(t, tree, "serve").ID; got != want {
			t.Errorf("the pending start is to move into %d, want %d, the nursery", got, want)
		}
		n.Scope().Cancel(nil)
		return nil
	})
}

func testKindsOfScopes(t *testing.T) {
	scope := cancelscope.Scope{Name: "scope"}
	scope.Run(t.Context(), func(ctx context.Context) error {
		_, err := deadline.MoveOnAfter(ctx, time.Minute, func(ctx context.Context) error {
			return cancelscope.Shield(ctx, time.Second, func(ctx context.Context) (err error) {
				ctx, end := deadline.Limit(ctx, time.Hour)
				defer end(&err)
				tree := tasktree.Take(tasktree.Options{Within: ctx})
				checkLines(t, tree, `
limit deadline.Limit, 0ms`)
				var inner cancelscope.Scope
				ctx, leave := inner.Enter(ctx)
				defer leave(&err)
				checkLines(t, tasktree.Take(tasktree.Options{}), `
scope scope, 0ms
└─ limit deadline.MoveOnAfter, 0ms, 1m00s left
   └─ shield, 0ms, 1.0s left
      └─ limit deadline.Limit, 0ms
         └─ scope cancelscope.Enter, 0ms`)
				return ctx.Err()
			})
		})
		return err
	})
}

func testKindsOfItems(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	items := make(chan int)
	done := make(chan struct{})
	go func() {
		defer close(done)
		nursery.ForEach(ctx, 2, items, func(ctx context.Context, _ int) error {
			return deadline.FailAfter(ctx, time.Hour, wait)
		})
	}()
	synctest.Wait() // a worker waits for the first item
	checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery ForEach, 0ms, 1 task
│  its body ended 0ms ago, it waits for 1 task
└─ item receive, 0ms`)
	for range 2 {
		items <- 0
		time.Sleep(time.Millisecond) // so that the order is known
	}
	// In builds with the race detector each item has a goroutine, and a share, of its own.
	text := strings.ReplaceAll(lines(tasktree.Take(tasktree.Options{Unfolded: true})), "4 tasks", "2 tasks")
	checkText(t, text, `
nursery ForEach, 2ms, 2 tasks
│  its body ended 2ms ago, it waits for 2 tasks
├─ item 0, 2ms
│  └─ limit deadline.FailAfter, 2ms, 59m59s left
└─ item 1, 1ms
   └─ limit deadline.FailAfter, 1ms, 59m59s left`)
	cancel()
	<-done
}

func testKindsOfGroups(t *testing.T) {
	nursery.Config{Name: "outer"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ctx, cancel := context.WithCancel(ctx)
		g, gctx := errgroup.WithContext(ctx)
		for range 2 {
			g.Go(func() error {
				time.Sleep(time.Millisecond) // so that the order is known
				return nursery.Config{Name: "inner"}.Run(gctx, func(ctx context.Context, n *nursery.Nursery) error { return wait(ctx) })
			})
		}
		time.Sleep(2 * time.Millisecond)
		zero := new(errgroup.Group)
		zero.Go(func() error { return wait(ctx) })
		synctest.Wait() // all tasks wait
		checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery outer, 2ms
└─ group errgroup.WithContext, 2ms, 2 tasks
   ├─ task tasktree_test.testKindsOfGroups.func1.1 × 2, 2ms
   └─ nursery inner × 2, 1ms
group errgroup.Go, 0ms, 1 task
└─ task tasktree_test.testKindsOfGroups.func1.2, 0ms`)
		cancel()
		g.Wait()
		zero.Wait()
		if tree := tasktree.Take(tasktree.Options{}); tree.Total != 1 {
			t.Errorf("after Wait of both groups there are %d nodes, want 1:\n%s", tree.Total, tree)
		}
		return nil
	})
}

// A group whose context is done says why.
func TestGroupsAreCanceled(t *testing.T) {
	recorded(t, "by a task", func(t *testing.T) {
		g, _ := errgroup.WithContext(t.Context())
		release := make(chan struct{})
		g.Go(func() error { <-release; return nil })
		g.Go(func() error { return errors.New("refused") })
		synctest.Wait() // one task waits, and the other has ended
		checkLines(t, tasktree.Take(tasktree.Options{}), `
group errgroup.WithContext, 0ms, 1 task
│  canceled because a task failed: refused
└─ task tasktree_test.TestGroupsAreCanceled.func1.1, 0ms, canceled`)
		close(release)
		g.Wait()
	})
	recorded(t, "from outside", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		g, _ := errgroup.WithContext(ctx)
		release := make(chan struct{})
		g.Go(func() error { <-release; return nil })
		cancel(errors.New("gone"))
		tree := tasktree.Take(tasktree.Options{})
		if got, want := fmt.Sprint(*tree.Roots[0].Canceled), "{0001-01-01 00:00:00 +0000 UTC parent  gone from outside: gone}"; got != want {
			t.Errorf("the group is canceled by %s, want %s", got, want)
		}
		close(release)
		g.Wait()
	})
}

// The cause of a group is what came first, whatever ends after that.
func TestFirstCauseOfGroups(t *testing.T) {
	for name, c := range map[string]struct {
		cancel error // of the context around, nil for none
		first  error // of a task, before that
		last   error // of a task, after that
		wait   bool  // Wait returns before the task begins that is shown
		want   string
	}{
		"a task, then outside":           {first: errors.New("refused"), cancel: errors.New("gone"), want: "task because a task failed: refused"},
		"outside, then a task":           {cancel: errors.New("gone"), last: errors.New("refused"), want: "parent from outside: gone"},
		"outside, then a task with that": {cancel: context.Canceled, last: context.Canceled, want: "parent from outside: context canceled"},
		"an error that has no equal":     {first: manyErrors{errors.New("refused")}, cancel: errors.New("gone"), want: "task because a task failed: many"},
		"Wait":                           {wait: true, want: "exit because a scope around it has ended: context canceled"},
	} {
		recorded(t, name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			g, _ := errgroup.WithContext(ctx)
			if c.wait {
				g.Wait()
			}
			release := make(chan struct{})
			g.Go(func() error { <-release; return nil })
			fail := func(err error) {
				if err != nil {
					g.Go(func() error { return err })
				}
				synctest.Wait() // the task has ended
			}
			fail(c.first)
			if c.cancel != nil {
				cancel(c.cancel)
			}
			fail(c.last)
			n := tasktree.Take(tasktree.Options{}).Roots[0]
			if n.Canceled == nil || n.Canceled.Kind+" "+n.Canceled.Text != c.want {
				t.Errorf("the group is canceled by %+v, want %s", n.Canceled, c.want)
			}
			close(release)
			g.Wait()
		})
	}
}

// manyErrors is an error that cannot be compared.
type manyErrors []error

func (manyErrors) Error() string { return "many" }

// A taggedContext cannot be compared, nor be the key of a map.
type taggedContext struct {
	context.Context
	tags []string
}

// A context of the user's may be of any type.
func TestContextsThatCannotBeCompared(t *testing.T) {
	recorded(t, "of groups and scopes", func(t *testing.T) {
		ctx := taggedContext{t.Context(), []string{"user"}}
		g, _ := errgroup.WithContext(ctx)
		release := make(chan struct{})
		g.Go(func() error { <-release; return nil })
		s := cancelscope.Scope{Name: "job"}
		s.Run(ctx, func(context.Context) error {
			if tree := tasktree.Take(tasktree.Options{}); tree.Total != 3 || len(tree.Notes) != 0 {
				t.Errorf("the tree is\n%s\nwant a group with a task, and a scope", tree)
			}
			return nil
		})
		close(release)
		g.Wait()
	})
}

// Moving a task takes what is inside it along.
func TestStartedTasksMove(t *testing.T) {
	recorded(t, "with what is inside", func(t *testing.T) {
		nursery.Config{Name: "to"}.Run(t.Context(), func(_ context.Context, to *nursery.Nursery) error {
			time.Sleep(time.Millisecond) // so that the order is known
			return nursery.Config{Name: "from"}.Run(t.Context(), func(ctx context.Context, _ *nursery.Nursery) error {
				release := make(chan struct{})
				_, err := nursery.Start(ctx, to, "mover", func(ctx context.Context, started func(int)) error {
					defer close(release)
					s := cancelscope.Scope{Name: "inside"}
					return s.Run(ctx, func(ctx context.Context) error {
						checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery to, 1ms, 1 task
nursery from, 0ms
└─ start mover, 0ms, has not called started
   └─ scope inside, 0ms`)
						started(1)
						checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery to, 1ms, 1 task
└─ task mover, 0ms
   └─ scope inside, 0ms
nursery from, 0ms`)
						return nil
					})
				})
				<-release
				return err
			})
		})
	})
}
