package tasktree_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// However something ends, it is not in the tree when the call that waits for it has
// returned, and not in the tree that is taken where it has ended.
func TestNothingIsLeftBehind(t *testing.T) {
	panics := func(context.Context) error { panic("boom") }
	exits := func(context.Context) error { runtime.Goexit(); return nil }
	fails := func(context.Context) error { return errors.New("failed") }
	returns := func(context.Context) error { return nil }
	ends := map[string]func(context.Context) error{"panics": panics, "exits": exits, "fails": fails, "returns": returns}
	calls := map[string]func(ctx context.Context, f func(context.Context) error){
		"Go": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(f); return nil })
		},
		"GoNamed, converted": func(ctx context.Context, f func(context.Context) error) {
			nursery.Config{Panics: nursery.ConvertPanics}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.GoNamed("x", f); return nil })
		},
		"body": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return f(ctx) })
		},
		"Task": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Task("", f); return nil })
		},
		"Background": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Background("", f); return nil })
		},
		"Start that does not start": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, _ func(int)) error { return f(ctx) })
				return err
			})
		},
		"Start": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error { started(1); return f(ctx) })
				return err
			})
		},
		"StartBackground": func(ctx context.Context, f func(context.Context) error) {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.StartBackground(ctx, n, "", func(ctx context.Context, started func(int)) error { started(1); return f(ctx) })
				return err
			})
		},
		"ForN": func(ctx context.Context, f func(context.Context) error) {
			nursery.ForN(ctx, 2, 3, func(ctx context.Context, _ int) error { return f(ctx) })
		},
		"ForEach": func(ctx context.Context, f func(context.Context) error) {
			nursery.ForEach(ctx, 2, func(context.Context) (int, error) { return 0, f(ctx) }, func(ctx context.Context, _ int) error { return f(ctx) })
		},
		"MapSeq": func(ctx context.Context, f func(context.Context) error) {
			for range nursery.MapSeq(ctx, 2, []int{1, 2, 3}, func(ctx context.Context, _ int) (int, error) { return 0, f(ctx) }) {
				break
			}
		},
		"Race": func(ctx context.Context, f func(context.Context) error) {
			nursery.Race(ctx, nil, func(ctx context.Context) (int, error) { return 0, f(ctx) })
		},
		"Scope":     func(ctx context.Context, f func(context.Context) error) { new(cancelscope.Scope).Run(ctx, f) },
		"Enter":     func(ctx context.Context, f func(context.Context) error) { enter(ctx, f) },
		"FailAfter": func(ctx context.Context, f func(context.Context) error) { deadline.FailAfter(ctx, time.Hour, f) },
		"errgroup": func(ctx context.Context, f func(context.Context) error) {
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error {
				defer func() { _ = recover() }()
				return f(ctx)
			})
			g.Wait()
		},
	}
	for call, run := range calls {
		for end, f := range ends {
			recorded(t, call+" "+end, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second) // for receive functions that never end
				defer cancel()
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					var calls atomic.Int32
					run(ctx, func(ctx context.Context) error {
						if calls.Add(1) > 10 {
							<-ctx.Done()
							return ctx.Err()
						}
						return f(ctx)
					})
				}()
				<-done
				if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
					t.Errorf("what is left:\n%s", tree)
				}
			})
		}
	}
}

func enter(ctx context.Context, f func(context.Context) error) (err error) {
	var s cancelscope.Scope
	ctx, end := s.Enter(ctx)
	defer end(&err)
	return f(ctx)
}

// A misuse that panics leaves nothing behind.
func TestMisuseLeavesNothingBehind(t *testing.T) {
	recorded(t, "second Run of a scope", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(context.Context) error { return nil })
		func() {
			defer func() { _ = recover() }()
			s.Run(t.Context(), func(context.Context) error { return nil })
		}()
		if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
			t.Errorf("what is left:\n%s", tree)
		}
	})
}

// What is opened under the context of a scope that has ended is not inside it.
func TestInsideOfWhatHasEnded(t *testing.T) {
	for _, on := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			stop := func() {}
			if on {
				stop = tasktree.Record()
			}
			var kept context.Context
			outer := cancelscope.Scope{Name: "outer"}
			outer.Run(t.Context(), func(ctx context.Context) error {
				ended := cancelscope.Scope{Name: "ended"}
				ended.Run(ctx, func(ctx context.Context) error { kept = ctx; return nil })
				defer tasktree.Record()()
				stop()
				late := cancelscope.Scope{Name: "late"}
				late.Run(kept, func(context.Context) error {
					tree := tasktree.Take(tasktree.Options{})
					if len(tree.Roots) != 1 || tree.Total != 2 || tree.Roots[0].Name != "outer" || tree.Roots[0].Children[0].Name != "late" {
						t.Errorf("recorded before %v, the tree is\n%s\nwant late inside outer", on, tree)
					}
					return nil
				})
				return nil
			})
			defer tasktree.Record()()
			if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
				t.Errorf("what is left:\n%s", tree)
			}
		})
	}
}

// Above MaxStacks goroutines stacks are left out, unless they are forced.
func TestMaxStacks(t *testing.T) {
	defer tasktree.Config{Labels: true}.Record()()
	nursery.Config{Name: "many"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ready := make(chan struct{})
		n.GoNamed("task", func(ctx context.Context) error { close(ready); return wait(ctx) })
		<-ready
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range tasktree.MaxStacks {
			wg.Go(func() { <-stop })
		}
		tree := tasktree.Take(tasktree.Options{Stacks: true})
		if len(tree.Notes) != 1 || !strings.HasPrefix(tree.Notes[0], "stacks are left out") || find(t, tree, "task").Goroutine != nil {
			t.Errorf("with %d goroutines: notes %q and goroutine %v", tree.Goroutines, tree.Notes, find(t, tree, "task").Goroutine)
		}
		tree = tasktree.Take(tasktree.Options{Stacks: true, Force: true})
		if len(tree.Notes) != 0 || find(t, tree, "task").Goroutine == nil {
			t.Errorf("forced: notes %q and goroutine %v", tree.Notes, find(t, tree, "task").Goroutine)
		}
		close(stop)
		wg.Wait()
		n.Scope().Cancel(nil)
		return nil
	})
}

// The labels of tasks are in stack traces where GODEBUG asks for it, and the tree reads such
// traces too.
func TestTracebackLabels(t *testing.T) {
	t.Setenv("GODEBUG", "tracebacklabels=1")
	defer tasktree.Config{Labels: true}.Record()()
	nursery.Config{Name: "pool"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ready := make(chan struct{})
		n.GoNamed("job", func(ctx context.Context) error { close(ready); return wait(ctx) })
		<-ready
		for {
			g := find(t, tasktree.Take(tasktree.Options{Stacks: true}), "job").Goroutine
			if g != nil && g.State == "chan receive" {
				break
			}
			runtime.Gosched()
		}
		buf := make([]byte, 1<<20)
		dump := string(buf[:runtime.Stack(buf, true)])
		want, since127 := `labels:{"nursery": "pool", "task": "job"}]:`, `] {nursery: pool, task: job}:`
		if !strings.Contains(dump, want) && !strings.Contains(dump, since127) {
			t.Errorf("the goroutine dump has no %s:\n%s", want, dump)
		}
		n.Scope().Cancel(nil)
		return nil
	})
}

// A task is not in the tree any more when its nursery has closed.
func TestTasksEndBeforeTheirNursery(t *testing.T) {
	defer tasktree.Record()()
	for range 1000 {
		nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { return nil })
			nursery.Spawn(n, "", func(context.Context) (int, error) { return 0, nil })
			return nil
		})
		if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
			t.Fatalf("when the nursery has closed, the tree is\n%s", tree)
		}
	}
}

// A registrar is a context that counts what registers with it by its AfterFunc method.
type registrar struct {
	context.Context
	done  chan struct{}
	calls atomic.Int32
}

func (r *registrar) Done() <-chan struct{} { return r.done }

func (r *registrar) AfterFunc(func()) (stop func() bool) {
	r.calls.Add(1)
	return func() bool { return true }
}

// A context of the user's keeps its methods: package context calls them as if recording
// were off.
func TestContextsWithAfterFunc(t *testing.T) {
	recorded(t, "register", func(t *testing.T) {
		ctx := &registrar{Context: t.Context(), done: make(chan struct{})}
		s := cancelscope.Scope{Adjustable: true}
		s.Run(ctx, func(ctx context.Context) error {
			ctx.Done()
			return nil
		})
		if got := ctx.calls.Load(); got != 1 {
			t.Errorf("%d calls of AfterFunc, want 1", got)
		}
	})
}
