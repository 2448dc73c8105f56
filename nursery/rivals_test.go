package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// The tests in this file and in rivals_net_test.go are what other libraries for groups
// of goroutines were seen to get wrong.

// Seen elsewhere: the panic leaves the group at once, and the child runs on, or the
// group waits for ever for a child that is not canceled.
func TestRivalBodyPanics(t *testing.T) {
	bubbletest.Run(t, "while a child waits for its context", func(t *testing.T) {
		var cleaned bool
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					<-ctx.Done()
					cleaned = true
					return ctx.Err()
				})
				synctest.Wait() // the child waits
				panic("bad body")
			})
		})
		if o.panicked != "bad body" {
			t.Errorf("Run: %v, want a panic with the body's own value", o)
		}
		if !cleaned {
			t.Errorf("Run panicked before the child had ended")
		}
	})
}

// Seen elsewhere: tasks are dropped without a word, and the group returns nil.
func TestRivalParentIsCanceledAlready(t *testing.T) {
	bubbletest.Run(t, "when the group opens", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var ran int
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.Go(func(ctx context.Context) error { ran++; return nil })
				synctest.Wait() // the task has ended
			}
			n.Go(func(ctx context.Context) error { return ctx.Err() })
			return nil
		})
		if ran != 3 {
			t.Errorf("%d of 3 tasks ran, want all, each to its first wait", ran)
		}
		bubbletest.CheckCanceled(t, "Run under a canceled context", err, cancelscope.ByParent)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is(%v, context.Canceled) = false, want true", err)
		}
	})
	bubbletest.Run(t, "and a task fails all the same", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(context.Context) error { return errBoom })
			return nil
		})
		checkShape(t, "Run under a canceled context", err, "[a=boom]")
	})
}

const failNowVariable = "TRELLIS_TEST_FAILNOW"

// Seen elsewhere: the test hangs, because the group never hears of the end of the
// goroutine; or it continues as if all were well. A mock that is called with the wrong
// arguments calls t.Fatalf wherever it is called.
func TestRivalFailNowInAChild(t *testing.T) {
	if os.Getenv(failNowVariable) != "" {
		_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				fmt.Println("sibling ends")
				return ctx.Err()
			})
			n.Go(func(context.Context) error {
				t.Fatalf("unexpected call")
				return nil
			})
			return nil
		})
		fmt.Println("the test continues")
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRivalFailNowInAChild$")
	cmd.Env = append(os.Environ(), failNowVariable+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("process of a test with FailNow in a task: %v, want exit status 1", err)
	}
	text := string(out)
	for _, want := range []string{"--- FAIL: TestRivalFailNowInAChild", "unexpected call", "sibling ends"} {
		if !strings.Contains(text, want) {
			t.Errorf("output of a test with FailNow in a task: no %q in\n%s", want, text)
		}
	}
	for _, not := range []string{"the test continues", "panic"} {
		if strings.Contains(text, not) {
			t.Errorf("output of a test with FailNow in a task: %q in\n%s", not, text)
		}
	}
}

// Seen elsewhere: twenty-one lines, of which twenty say "context canceled"; or one of
// those instead of the failure, because it was first in a list.
func TestRivalTwentyCanceledSiblings(t *testing.T) {
	bubbletest.Run(t, "are not worth a line", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for i := range 20 {
				n.Go(func(ctx context.Context) error {
					<-ctx.Done()
					switch i % 3 {
					case 0:
						return fmt.Errorf("fetching %d: %w", i, ctx.Err())
					case 1:
						return context.Cause(ctx)
					}
					return ctx.Err()
				})
			}
			synctest.Wait() // all wait
			n.GoNamed("culprit", func(context.Context) error { return errBoom })
			return nil
		})
		if got, want := err.Error(), "culprit: boom"; got != want {
			t.Errorf("Run = %q, want %q", got, want)
		}
		if errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is(%v, context.Canceled) = true, want false", err)
		}
	})
}

// Seen elsewhere: a deadlock as soon as the limit is reached, or tasks that
// are started after the wait has begun and not waited for.
func TestRivalChildrenSpawn(t *testing.T) {
	// spawn runs a tree of tasks, each of which calls before and starts its children.
	spawn := func(t *testing.T, depth, children int, before func(), want int32) {
		var ran atomic.Int32
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			var start func(depth int)
			start = func(depth int) {
				n.Go(func(context.Context) error {
					ran.Add(1)
					before()
					for range min(depth, 1) * children {
						start(depth - 1)
					}
					return nil
				})
			}
			start(depth)
			return nil
		})
		if got := ran.Load(); err != nil || got != want {
			t.Errorf("Run = %v with %d tasks, want nil with %d", err, got, want)
		}
	}
	bubbletest.Run(t, "long after the body has ended", func(t *testing.T) {
		spawn(t, 100, 1, synctest.Wait, 101) // every task that can has ended, and the body too
	})
	t.Run("many at a time", func(t *testing.T) {
		spawn(t, 11, 2, func() {}, 1<<12-1)
	})
}

// Seen elsewhere: a second Wait that hangs or returns nil, and a late Go that starts a
// goroutine and does not wait for it.
func TestRivalLateCalls(t *testing.T) {
	bubbletest.Run(t, "after the end of the group", func(t *testing.T) {
		var late *nursery.Nursery
		var task *nursery.Task[int]
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			late = n
			task = nursery.Spawn(n, "", func(context.Context) (int, error) { return 0, errBoom })
			return nil
		})
		checkShape(t, "Run", err, "["+task.Name()+"=boom]")
		for range 2 {
			if _, err := task.Wait(t.Context()); err != errBoom {
				t.Errorf("Wait after the end of the nursery = %v, want %v", err, errBoom)
			}
		}
		never := func(context.Context) error { t.Error("a task runs in a nursery that has closed"); return nil }
		bubbletest.CheckPanics(t, "Go after the end", "nursery: Go on a nursery that has closed", func() { late.Go(never) })
		if err := late.TryGo("", never); err != nursery.ErrClosed {
			t.Errorf("TryGo after the end = %v, want ErrClosed", err)
		}
		synctest.Wait() // nothing was started
	})
}

// Seen elsewhere: a nil dereference in a goroutine that does not say who is to blame,
// or a group that waits for ever for what it could not start.
func TestRivalNilFunction(t *testing.T) {
	bubbletest.Run(t, "panics where it is passed", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			bubbletest.CheckPanics(t, "Go(nil)", "nursery: nil function", func() { n.Go(nil) })
			bubbletest.CheckPanics(t, "TryGo(nil)", "nursery: nil function", func() { _ = n.TryGo("a", nil) })
			bubbletest.CheckPanics(t, "Spawn(nil)", "nursery: Spawn with a nil function", func() { nursery.Spawn[int](n, "", nil) })
			bubbletest.CheckPanics(t, "Start(nil)", "nursery: Start with a nil function", func() { _, _ = nursery.Start[int](ctx, n, "", nil) })
			if got := n.Running(); got != 0 {
				t.Errorf("Running() after that = %d, want 0", got)
			}
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("Run = %v, want nil: no task was canceled", err)
		}
	})
}

// Seen elsewhere: every context.Canceled is taken for one's own, and an operation that
// was given up under another context counts as a success.
func TestRivalForeignCancellation(t *testing.T) {
	foreign, cancel := context.WithCancel(context.Background())
	cancel()
	gaveUp := fmt.Errorf("gave up: %w", foreign.Err())

	bubbletest.Run(t, "of a child", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(context.Context) error { return gaveUp })
			n.GoNamed("b", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return nil
		})
		checkShape(t, "Run", err, "[a=gave up: context canceled]")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is(%v, context.Canceled) = false, want true", err)
		}
	})
	bubbletest.Run(t, "of the body", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return foreign.Err() })
		checkShape(t, "Run", err, "[body=context canceled]")
	})
	bubbletest.Run(t, "after a deadline", func(t *testing.T) {
		// Set while the nursery runs it would end it with context.Canceled, from
		// which a bare one from elsewhere cannot be distinguished.
		limited := nursery.Config{Timeout: -time.Second}
		err := limited.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(ctx context.Context) error { <-ctx.Done(); return gaveUp })
			n.GoNamed("b", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return nil
		})
		checkShape(t, "Run", err, "[a=gave up: context canceled]")
	})
	bubbletest.Run(t, "after a cancellation, if it says where it comes from", func(t *testing.T) {
		var elsewhere error
		var other cancelscope.Scope
		_ = other.Run(context.Background(), func(ctx context.Context) error {
			other.Cancel(nil)
			elsewhere = context.Cause(ctx)
			return nil
		})
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(ctx context.Context) error { <-ctx.Done(); return elsewhere })
			// A bare value does not: it is the nursery's own as well.
			n.GoNamed("b", func(ctx context.Context) error { <-ctx.Done(); return gaveUp })
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "[a=canceled]")
	})
	bubbletest.Run(t, "that cancels the others", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
			synctest.Wait() // a waits
			n.GoNamed("b", func(context.Context) error { return gaveUp })
			return nil
		})
		checkShape(t, "Run", err, "[b=gave up: context canceled]")
	})
}

// Seen elsewhere: one error of ten thousand, or a text of ten thousand lines.
func TestRivalTenThousandFailures(t *testing.T) {
	const many = 10_000
	failures := make([]error, many)
	for i := range failures {
		failures[i] = fmt.Errorf("failure %d", i)
	}
	err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		for _, err := range failures {
			n.Go(func(context.Context) error { return err })
		}
		return nil
	})
	seen := make(map[error]int)
	for _, leaf := range leaves(err) {
		seen[leaf]++
	}
	for i, failure := range failures {
		if seen[failure] != 1 {
			t.Fatalf("failure %d is found %d times in the error of Run, want once", i, seen[failure])
		}
	}
	if len(seen) != many {
		t.Errorf("Run = an error with %d leaves, want %d", len(seen), many)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines > 20 {
		t.Errorf("Run = an error of %d lines, want few", lines)
	}
}
