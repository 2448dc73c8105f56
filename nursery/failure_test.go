package nursery_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestFailingTaskCancelsTheOthers(t *testing.T) {
	// catalogue: trio/test_run.py::test_task_crash_propagation
	bubbletest.Run(t, "a sibling that swallows its cancellation", func(t *testing.T) {
		rounds, ended := 0, false
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("looper", func(ctx context.Context) error {
				for deadline.Sleep(ctx, time.Second) == nil {
					rounds++
				}
				ended = true
				return nil
			})
			n.GoNamed("crasher", failing(2500*time.Millisecond, errBoom))
			return nil
		})
		checkShape(t, "Run with a task that fails", err, "[crasher=boom]")
		if rounds != 2 || !ended {
			t.Errorf("looper: %d rounds, ended by the cancellation: %v, want 2, true", rounds, ended)
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_exception_cancels_siblings
	bubbletest.Run(t, "a task that fails at once", func(t *testing.T) {
		start := time.Now()
		var sibling error
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("sibling", func(ctx context.Context) error {
				sibling = deadline.Sleep(ctx, forever)
				return sibling
			})
			n.GoNamed("crasher", failing(0, errBoom))
			return nil
		})
		bubbletest.CheckElapsed(t, "Run with a task that fails at once", start, 0)
		checkShape(t, "Run with a task that fails at once", err, "[crasher=boom]")
		bubbletest.CheckCanceled(t, "Sleep in the sibling", sibling, cancelscope.ByTask)
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_04
	bubbletest.Run(t, "a sibling with a handle", func(t *testing.T) {
		var after bool
		var failed, sibling *nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			failed = nursery.Spawn(n, "failed", func(ctx context.Context) (int, error) {
				return 0, failing(time.Second, errBoom)(ctx)
			})
			sibling = nursery.Spawn(n, "sibling", func(ctx context.Context) (int, error) {
				return 11, deadline.Sleep(ctx, forever)
			})
			return nil
		})
		if err == nil {
			after = true
		}
		checkShape(t, "Run with a task that fails", err, "[failed=boom]")
		if _, err := failed.Result(); err != errBoom {
			t.Errorf("Result of the failed task = %v, want %v itself", err, errBoom)
		}
		got, err := sibling.Result()
		bubbletest.CheckCanceled(t, "Result of the sibling", err, cancelscope.ByTask)
		if got != 0 || after {
			t.Errorf("Result of the sibling = %d, code after the nursery run: %v, want 0, false", got, after)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_cancel_children_on_child_error
	bubbletest.Run(t, "several tasks that fail", func(t *testing.T) {
		start := time.Now()
		var body, sibling error
		after := false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.GoNamed("crasher", failing(time.Second, errBoom))
			}
			n.GoNamed("sibling", func(ctx context.Context) error {
				sibling = deadline.Sleep(ctx, forever)
				return sibling
			})
			if body = deadline.Sleep(ctx, forever); body != nil {
				return body
			}
			after = true
			return nil
		})
		bubbletest.CheckElapsed(t, "Run with three tasks that fail", start, time.Second)
		// Who is canceled before it fails is no failure.
		checkShape(t, "Run with three tasks that fail", err,
			"[crasher=boom]", "[crasher=boom crasher=boom]", "[crasher=boom crasher=boom crasher=boom]")
		bubbletest.CheckCanceled(t, "Sleep in the sibling", sibling, cancelscope.ByTask)
		bubbletest.CheckCanceled(t, "Sleep in the body", body, cancelscope.ByTask)
		if after {
			t.Error("code after the sleep of the body has run, want it skipped")
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_25
	bubbletest.Run(t, "tasks that multiply", func(t *testing.T) {
		start := time.Now()
		var running atomic.Int64
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			var multiply func(ctx context.Context) error
			multiply = func(ctx context.Context) error {
				running.Add(1)
				defer running.Add(-1)
				for {
					if err := deadline.Sleep(ctx, 100*time.Millisecond); err != nil {
						return err
					}
					n.Go(multiply)
				}
			}
			n.Go(multiply)
			// The failure comes at an instant at which all other tasks start a task.
			n.GoNamed("crasher", failing(time.Second, errBoom))
			return nil
		})
		bubbletest.CheckElapsed(t, "Run with tasks that multiply", start, time.Second)
		checkShape(t, "Run with tasks that multiply", err, "[crasher=boom]")
		if left := running.Load(); left != 0 {
			t.Errorf("after Run %d tasks run, want 0", left)
		}
	})
}

func TestFailingTaskCancelsTheBody(t *testing.T) {
	// catalogue: trio/test_run.py::test_child_crash_wakes_parent
	// catalogue: anyio/test_taskgroups.py::test_failing_child_task_cancels_host
	bubbletest.Run(t, "a body that sleeps", func(t *testing.T) {
		start := time.Now()
		var body error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", failing(time.Second, errBoom))
			body = deadline.Sleep(ctx, forever)
			return body
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		checkShape(t, "Run", err, "[crasher=boom]")
		c := bubbletest.CheckCanceled(t, "Sleep in the body", body, cancelscope.ByTask)
		checkShape(t, "Reason of the body's cancellation", c.Reason(), "crasher=boom")
	})
}

func TestFailingBodyCancelsTheTasks(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_09
	// catalogue: anyio/test_taskgroups.py::test_failing_host_task_cancels_children
	bubbletest.Run(t, "after a wait", func(t *testing.T) {
		start := time.Now()
		var tasks [2]*nursery.Task[int]
		var causes [2]error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range tasks {
				tasks[i] = nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
					causes[i] = deadline.Sleep(ctx, forever)
					return 1, causes[i]
				})
			}
			return failing(time.Second, errBoom)(ctx)
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		checkShape(t, "Run with a body that fails", err, "[body=boom]")
		for i, task := range tasks {
			c := bubbletest.CheckCanceled(t, "Sleep in a task", causes[i], cancelscope.ByTask)
			checkShape(t, "Reason of the task's cancellation", c.Reason(), "body=boom")
			_, err := task.Result()
			bubbletest.CheckCanceled(t, "Result of a task", err, cancelscope.ByTask)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_10
	// catalogue: anyio/test_taskgroups.py::test_host_exception
	bubbletest.Run(t, "right after starting them", func(t *testing.T) {
		start := time.Now()
		var tasks [2]*nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range tasks {
				tasks[i] = nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
					return 1, deadline.Sleep(ctx, forever)
				})
			}
			return errBoom
		})
		bubbletest.CheckElapsed(t, "Run", start, 0)
		checkShape(t, "Run with a body that fails at once", err, "[body=boom]")
		for _, task := range tasks {
			_, err := task.Result()
			bubbletest.CheckCanceled(t, "Result of a task", err, cancelscope.ByTask)
		}
	})
}

func TestTaskStartedInCanceledNursery(t *testing.T) {
	// catalogue: trio/test_run.py::test_precancelled_task
	bubbletest.Run(t, "runs to its first wait", func(t *testing.T) {
		began, passed := false, false
		var seen error
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Scope().Cancel(nil)
			n.Go(func(ctx context.Context) error {
				began, seen = true, ctx.Err()
				if err := deadline.Sleep(ctx, 0); err != nil {
					return err
				}
				passed = true
				return nil
			})
			return nil
		})
		if !began || passed || seen != context.Canceled || err != nil {
			t.Errorf("Go in a canceled nursery: began %v, passed its first wait %v, ctx.Err %v, Run = %v, want true, false, %v, nil",
				began, passed, seen, err, context.Canceled)
		}
	})
}

func TestNurseryWaitsForItsTasks(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_success
	bubbletest.Run(t, "all have run", func(t *testing.T) {
		var ran [2]bool
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for i := range ran {
				n.Go(func(ctx context.Context) error {
					ran[i] = true
					return nil
				})
			}
			return nil
		})
		if err != nil || ran != [2]bool{true, true} {
			t.Errorf("Run with two tasks = %v, who has run: %v, want nil, both", err, ran)
		}
	})

	// catalogue: trio/test_run.py::test_nursery_closure
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_24
	// catalogue: anyio/test_taskgroups.py::test_start_soon_while_running
	bubbletest.Run(t, "tasks start tasks after the body has returned", func(t *testing.T) {
		start := time.Now()
		var kept *nursery.Nursery
		var grandchildren atomic.Int64
		var bodyReturned atomic.Bool
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			kept = n
			defer bodyReturned.Store(true)
			n.Go(func(ctx context.Context) error {
				if err := deadline.Sleep(ctx, time.Second); err != nil {
					return err
				}
				if !bodyReturned.Load() {
					t.Error("the body still runs, want it returned")
				}
				for i := range 2 {
					n.Go(func(ctx context.Context) error {
						err := deadline.Sleep(ctx, time.Second)
						if i == 0 {
							grandchildren.Add(1)
							return err
						}
						n.Go(func(ctx context.Context) error {
							grandchildren.Add(1)
							return deadline.Sleep(ctx, time.Second)
						})
						return err
					})
				}
				return nil
			})
			return nil
		})
		bubbletest.CheckElapsed(t, "Run with grandchildren", start, 3*time.Second)
		if err != nil || grandchildren.Load() != 2 {
			t.Errorf("Run with grandchildren = %v, %d of them ran, want nil, 2", err, grandchildren.Load())
		}

		bubbletest.CheckPanics(t, "Go after Run has returned", "nursery: Go on a nursery that has closed: ", func() {
			kept.Go(func(context.Context) error {
				t.Error("a task started after the end runs, want it refused")
				return nil
			})
		})
		synctest.Wait() // a task, had it been started, would have run by now
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_23
	bubbletest.Run(t, "what has ended is not counted", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 3 {
				n.Go(sleeping(time.Duration(i+1) * time.Second))
			}
			time.Sleep(time.Second / 2)
			for want := 3; want >= 0; want-- {
				synctest.Wait() // those whose time is up have ended
				if got := n.Running(); got != want {
					t.Errorf("Running with %d of 3 tasks asleep = %d, want %d", want, got, want)
				}
				time.Sleep(time.Second)
			}
			n.Go(sleeping(0))
			n.Go(sleeping(time.Second))
			synctest.Wait() // the first of the two has ended
			if got := n.Running(); got != 1 {
				t.Errorf("Running with a new task asleep = %d, want 1", got)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

func TestCauseNamesTheTask(t *testing.T) {
	bubbletest.Run(t, "later tasks hear of the first failure", func(t *testing.T) {
		var late error
		err := nursery.Config{Name: "crawl"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("first", failing(time.Second, errBoom))
			n.GoNamed("second", stubborn(errBang))
			<-ctx.Done()
			synctest.Wait() // the second one has failed as well
			n.GoNamed("late", func(ctx context.Context) error {
				late = context.Cause(ctx)
				return late
			})
			return nil
		})
		checkShape(t, "Run", err, "[first=boom second=bang]")
		c := bubbletest.CheckCanceled(t, "Cause in a task started after the failure", late, cancelscope.ByTask)
		checkShape(t, "Reason of that cause", c.Reason(), "first=boom")
		if c.Scope() != "crawl" || !errors.Is(late, errBoom) || errors.Is(late, errBang) {
			t.Errorf("Cause = %v of scope %q, want the first failure, scope crawl", late, c.Scope())
		}
		for _, part := range []string{"crawl", "first", "boom"} {
			if !strings.Contains(late.Error(), part) {
				t.Errorf("text of the cause = %q, want %q in it", late, part)
			}
		}
	})
}
