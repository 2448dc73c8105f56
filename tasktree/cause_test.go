package tasktree_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// held runs a scope with that name, which is canceled by cancel, until the test has looked.
func held(ctx context.Context, s *cancelscope.Scope, cancel, look func()) {
	s.Run(ctx, func(ctx context.Context) error {
		cancel()
		time.Sleep(2 * time.Second)
		look()
		return nil
	})
}

func TestCauses(t *testing.T) {
	check := func(t *testing.T, name, want string) func() {
		return func() {
			t.Helper()
			tree := tasktree.Take(tasktree.Options{})
			n := find(t, tree, name)
			if n.Canceled == nil {
				t.Fatalf("%s is not canceled, want %q:\n%s", name, want, tree)
			}
			age := "at some time"
			if !n.Canceled.Since.IsZero() {
				age = tree.Taken.Sub(n.Canceled.Since).String() + " ago"
			}
			if got := n.Canceled.Kind + " " + age + ": " + n.Canceled.Text; got != want || n.State != tasktree.StateCanceled {
				t.Errorf("%s is %s by\n%s, want\n%s", name, n.State, got, want)
			}
		}
	}
	recorded(t, "a call", func(t *testing.T) {
		s := &cancelscope.Scope{Name: "job"}
		held(t.Context(), s, func() { s.Cancel(errors.New("not\nneeded \x1b[31m")) },
			check(t, "job", `call 2s ago: by a call in "job": not needed `+"\uFFFD[31m"))
	})
	recorded(t, "a deadline", func(t *testing.T) {
		s := &cancelscope.Scope{Name: "job", Reason: errors.New("budget")}
		s.SetTimeout(time.Second)
		held(t.Context(), s, func() {}, check(t, "job", `deadline 1s ago: because a deadline passed in "job": budget`))
	})
	recorded(t, "a deadline that has been noticed", func(t *testing.T) {
		s := &cancelscope.Scope{Name: "job"}
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			check(t, "job", `deadline 1s ago: because a deadline passed in "job"`)()
			return nil
		})
	})
	recorded(t, "the deadline of a scope around", func(t *testing.T) {
		deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			held(ctx, &cancelscope.Scope{Name: "job"}, func() {}, check(t, "job", `deadline 1s ago: because a deadline passed`))
			return nil
		})
	})
	recorded(t, "a task", func(t *testing.T) {
		nursery.Config{Name: "pool"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("fetch", func(context.Context) error { return errors.New("refused") })
			n.GoNamed("other", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(3 * time.Second)
				check(t, "other", `task 3s ago: because a task failed in "pool": fetch: refused`)()
				return nil
			})
			return nil
		})
	})
	recorded(t, "a context outside", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		held(ctx, &cancelscope.Scope{Name: "job"}, func() { cancel(errors.New("client gone")) },
			check(t, "job", `parent at some time: from outside: client gone`))
		s := &cancelscope.Scope{Name: "second"}
		s.Run(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			check(t, "second", `parent 0s ago: from outside in "second": client gone`)()
			return nil
		})
	})
	recorded(t, "a context between", func(t *testing.T) {
		s := cancelscope.Scope{Name: "outer"}
		s.Run(t.Context(), func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			held(ctx, &cancelscope.Scope{Name: "job"}, func() { s.Cancel(errors.New("enough")) },
				check(t, "job", `call 2s ago: by a call in "outer": enough`))
			return nil
		})
	})
	recorded(t, "before recording was on", func(t *testing.T) {
		tasktree.Record()() // has no effect, as recording is on
		s := cancelscope.Scope{Name: "job"}
		s.Cancel(nil)
		held(t.Context(), &s, func() {}, check(t, "job", `call 2s ago: by a call in "job"`))
	})
	recorded(t, "the end of the scope around", func(t *testing.T) {
		outer := cancelscope.Scope{Name: "outer"}
		ctx, end := outer.Enter(t.Context())
		held(ctx, &cancelscope.Scope{Name: "job"}, func() { var err error; end(&err) },
			check(t, "job", "exit at some time: because a scope around it has ended"))
	})
}

// A shield hides the cause from the scope, and from the tasks inside.
func TestShieldsHideCauses(t *testing.T) {
	recorded(t, "of scopes around", func(t *testing.T) {
		s := cancelscope.Scope{Name: "outer"}
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			return nursery.Config{Name: "inner", Shield: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("task", wait)
				checkLines(t, tasktree.Take(tasktree.Options{}), `
scope outer, 0ms
│  canceled 0ms ago by a call in "outer"
└─ nursery inner, 0ms, 1 task, shielded
   └─ task task, 0ms`)
				n.Scope().Cancel(nil)
				return nil
			})
		})
	})
}

func TestDeadlines(t *testing.T) {
	recorded(t, "of scopes around", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		outer := cancelscope.Scope{Name: "outer"}
		outer.SetTimeout(time.Hour)
		outer.Run(ctx, func(ctx context.Context) error {
			inner := cancelscope.Scope{Name: "inner"}
			return inner.Run(ctx, func(ctx context.Context) error {
				n := find(t, tasktree.Take(tasktree.Options{}), "inner")
				if n.Deadline == nil || n.Deadline.Left != time.Minute || n.Deadline.From != 0 {
					t.Errorf("the deadline is %+v, want one in a minute from outside", n.Deadline)
				}
				outer.SetTimeout(time.Second)
				tree := tasktree.Take(tasktree.Options{})
				n = find(t, tree, "inner")
				if n.Deadline == nil || n.Deadline.Left != time.Second || n.Deadline.From != find(t, tree, "outer").ID {
					t.Errorf("the deadline is %+v, want one in a second of the outer scope", n.Deadline)
				}
				if want := tree.Taken.Add(time.Second); n.Deadline != nil && !n.Deadline.At.Equal(want) {
					t.Errorf("the deadline is at %v, want %v", n.Deadline.At, want)
				}
				return nil
			})
		})
	})
}

// An evil error has a method that misbehaves.
type evil struct{ method func() string }

func (e evil) Error() string { return e.method() }

// Methods of errors are called without locks, and may do anything.
func TestReasonsThatMisbehave(t *testing.T) {
	reasonOf := func(t *testing.T, method func() string) (n *tasktree.Node, tree *tasktree.Tree) {
		s := cancelscope.Scope{Name: "job"}
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(evil{method})
			tree = tasktree.Take(tasktree.Options{})
			n = find(t, tree, "job")
			return nil
		})
		return n, tree
	}
	recorded(t, "panic", func(t *testing.T) {
		n, _ := reasonOf(t, func() string { panic("boom") })
		if want := "tasktree_test.evil (its Error method panicked)"; n.Canceled.Reason != want {
			t.Errorf("the reason is %q, want %q", n.Canceled.Reason, want)
		}
	})
	recorded(t, "call Goexit", func(t *testing.T) {
		n, tree := reasonOf(t, func() string { runtime.Goexit(); return "" })
		if want := "tasktree_test.evil (its Error method called runtime.Goexit)"; n.Canceled.Reason != want || len(tree.Notes) != 0 {
			t.Errorf("the reason is %q with notes %q, want %q and none", n.Canceled.Reason, tree.Notes, want)
		}
	})
	recorded(t, "take a tree", func(t *testing.T) {
		calls, inner := 0, ""
		n, _ := reasonOf(t, func() string {
			calls++
			inner = tasktree.Take(tasktree.Options{}).Roots[0].Canceled.Reason
			return "outer"
		})
		if n.Canceled.Reason != "outer" || inner != notReturned || calls != 1 {
			t.Errorf("the reason is %q, in the tree that is taken for it %q, after %d calls of Error; want %q, %q, 1", n.Canceled.Reason, inner, calls, "outer", notReturned)
		}
	})
	recorded(t, "are long", func(t *testing.T) {
		n, _ := reasonOf(t, func() string { return strings.Repeat("ä", 1<<20) })
		if len(n.Canceled.Reason) > 210 || !strings.HasSuffix(n.Canceled.Reason, "ää…") {
			t.Errorf("the reason has %d bytes and ends in %q, want at most 210 and an ellipsis", len(n.Canceled.Reason), n.Canceled.Reason[len(n.Canceled.Reason)-5:])
		}
	})
	recorded(t, "never return", func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int32
		never := func() string {
			calls.Add(1)
			<-release
			return "late"
		}
		begin := time.Now()
		for i := range 20 {
			n, tree := reasonOf(t, never)
			if !strings.HasPrefix(n.Canceled.Reason, "reason not available: ") || len(tree.Notes) != 1 {
				t.Errorf("call %d of Take: reason %q and notes %q, want no reason and a note", i, n.Canceled.Reason, tree.Notes)
			}
		}
		if took, want := time.Since(begin), 16*time.Second; took != want || calls.Load() != 16 {
			t.Errorf("20 calls of Take took %v and called Error %d times, want %v and 16", took, calls.Load(), want)
		}
		close(release)
		synctest.Wait() // the calls of Error have returned
		if n, tree := reasonOf(t, func() string { return "fine" }); n.Canceled.Reason != "fine" || len(tree.Notes) != 0 {
			t.Errorf("after that: reason %q and notes %q, want %q and none", n.Canceled.Reason, tree.Notes, "fine")
		}
	})
}

const notReturned = "reason not available: its Error method has not returned"

// within calls fn in canceled scopes inside each other, with reasons whose methods these are.
func within(t *testing.T, methods []func() string, fn func()) {
	ctx := t.Context()
	for i, method := range methods {
		s := cancelscope.Scope{Name: fmt.Sprint("job ", i)}
		s.SetShield(true) // so that each has a cause of its own
		inner, end := s.Enter(ctx)
		defer func() {
			var err error
			end(&err)
		}()
		s.Cancel(evil{method})
		ctx = inner
	}
	fn()
}

// A method that misbehaves leaves the reasons after it as they are, and is not waited for again.
func TestReasonsBesideOthersThatMisbehave(t *testing.T) {
	recorded(t, "block, exit and panic", func(t *testing.T) {
		release := make(chan struct{})
		within(t, []func() string{
			func() string { <-release; return "late" },
			func() string { runtime.Goexit(); return "" },
			func() string { panic("boom") },
			func() string { return "fine" },
		}, func() {
			for i, limit := range []time.Duration{time.Second, 0} {
				begin := time.Now()
				tree := tasktree.Take(tasktree.Options{})
				if took := time.Since(begin); took != limit {
					t.Errorf("call %d of Take took %v, want %v", i, took, limit)
				}
				for j, want := range []string{notReturned, "tasktree_test.evil (its Error method called runtime.Goexit)", "tasktree_test.evil (its Error method panicked)", "fine"} {
					if got := find(t, tree, fmt.Sprint("job ", j)).Canceled.Reason; got != want {
						t.Errorf("call %d of Take: reason %d is %q, want %q", i, j, got, want)
					}
				}
				if len(tree.Notes) != 1 || !strings.HasPrefix(tree.Notes[0], "some reasons are missing") {
					t.Errorf("call %d of Take: notes %q, want that reasons are missing", i, tree.Notes)
				}
			}
			close(release)
			synctest.Wait() // the call of Error has returned
			if got := find(t, tasktree.Take(tasktree.Options{}), "job 0").Canceled.Reason; got != "late" {
				t.Errorf("in the end the reason is %q, want %q", got, "late")
			}
		})
	})
	recorded(t, "take trees", func(t *testing.T) {
		var calls atomic.Int32
		method := func() string {
			calls.Add(1)
			return fmt.Sprint(len(tasktree.Take(tasktree.Options{}).Roots))
		}
		within(t, slices.Repeat([]func() string{method}, 40), func() {
			begin := time.Now()
			tree := tasktree.Take(tasktree.Options{})
			if took := time.Since(begin); took > 1100*time.Millisecond {
				t.Errorf("Take took %v, want at most 1.1s", took)
			}
			for i := range 40 { // trees that are taken inside may be asking for it
				if got := find(t, tree, fmt.Sprint("job ", i)).Canceled.Reason; got != "1" && !strings.HasPrefix(got, "reason not available: ") {
					t.Errorf("reason %d is %q, want %q, or that it is not available", i, got, "1")
				}
			}
			time.Sleep(time.Minute) // all trees have been taken
			if n := calls.Load(); n < 40 || n > 200 {
				t.Errorf("40 errors whose method takes a tree: %d calls, want 40 to 200", n)
			}
		})
	})
}

// A hostileContext is a context of the user's whose methods misbehave once it is armed.
type hostileContext struct {
	context.Context
	armed *atomic.Bool
	done  chan struct{}
}

func (c hostileContext) Done() <-chan struct{} { return c.done }

func (c hostileContext) Err() error {
	if c.armed.Load() {
		panic("bad context")
	}
	return nil
}

func TestContextsThatMisbehave(t *testing.T) {
	recorded(t, "panic", func(t *testing.T) {
		ctx := hostileContext{t.Context(), new(atomic.Bool), make(chan struct{})}
		s := cancelscope.Scope{Name: "job"}
		s.Run(ctx, func(context.Context) error {
			ctx.armed.Store(true)
			tree := tasktree.Take(tasktree.Options{})
			ctx.armed.Store(false)
			if n := find(t, tree, "job"); n.State != tasktree.StateRunning {
				t.Errorf("the state is %q, want %q", n.State, tasktree.StateRunning)
			}
			return nil
		})
	})
}
