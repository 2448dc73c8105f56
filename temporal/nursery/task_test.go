package nursery_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

// answer is a task with a result, or with an error.
func answer(d time.Duration, err error) func(ctx workflow.Context) (int, error) {
	return func(ctx workflow.Context) (int, error) { return 42, errors.Join(sleeps(d)(ctx), err) }
}

// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_return_value
// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_wait
// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_01
func TestWait(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var kept *nursery.Task[int]
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			task := nursery.Spawn(n, "answer", answer(time.Second, nil))
			kept = task
			if _, err := task.Result(); err != nursery.ErrNotFinished || task.Name() != "answer" {
				t.Errorf("Result of a running task = %v, want ErrNotFinished", err)
			}
			for range 2 {
				if v, err := task.Wait(ctx); v != 42 || err != nil {
					t.Errorf("Wait = %d, %v, want 42, nil", v, err)
				}
			}
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if v, err := kept.Wait(ctx); v != 42 || err != nil {
			t.Errorf("Wait after the end of the nursery = %d, %v, want 42, nil", v, err)
		}
	})
}

// The error of a task is the waiter's and the nursery's; there is no value beside it.
//
// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_exception
func TestWaitForAFailure(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := nursery.Config{Supervise: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", answer(time.Second, errReal))
			v, err := task.Wait(ctx)
			if v != 0 || !errors.Is(err, errReal) {
				t.Errorf("Wait = %d, %v, want 0 and the error", v, err)
			}
			return nil
		})
		if !errors.Is(err, errReal) {
			t.Errorf("Run = %v, want the error", err)
		}
	})
}

// A result that is there is returned whatever the context says; otherwise its cancellation is.
// Join waits all the same.
func TestWaitUnderCancellation(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			done := nursery.Spawn(n, "", answer(time.Second, nil))
			slow := nursery.Spawn(n, "", func(ctx workflow.Context) (int, error) {
				stubborn(ctx, time.Minute)
				return 7, nil
			})
			_, _ = done.Wait(ctx)
			var s cancelscope.Scope
			s.Cancel(nil)
			_ = s.Run(ctx, func(ctx workflow.Context) error {
				if v, err := done.Wait(ctx); v != 42 || err != nil {
					t.Errorf("Wait for a result that is there = %d, %v, want 42, nil", v, err)
				}
				if v, err := slow.Wait(ctx); v != 0 || err != s.Cause() {
					t.Errorf("Wait = %d, %v, want the cause of the context", v, err)
				}
				if v, err := slow.Join(ctx); v != 7 || err != nil {
					t.Errorf("Join = %d, %v, want 7, nil", v, err)
				}
				return nil
			})
		})
	})
}

// Cancel cancels the task alone. That is its result, and a real error to the code that waits.
//
// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_cancel
func TestCancelATask(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			task := n.Task("a", forever)
			n.GoNamed("b", sleeps(time.Minute))
			task.Cancel(errReal)
			_, err := task.Wait(ctx)
			var c *cancelscope.Canceled
			if !errors.As(err, &c) || !errors.Is(err, errReal) || cancelscope.IsCancellation(ctx, err) {
				t.Errorf("Wait for a canceled task = %v, want its Canceled, which is real here", err)
			}
			if n.Scope().Cause() != nil {
				t.Error("the nursery was canceled with the task")
			}
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// The future of a task is for selectors.
func TestFuture(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			fast := nursery.Spawn(n, "", answer(time.Second, nil))
			slow := nursery.Spawn(n, "", answer(time.Minute, nil))
			got := ""
			s := wait.NewSelector(ctx)
			s.AddFuture(slow.Future(), func(workflow.Future) { got = "slow" })
			s.AddFuture(fast.Future(), func(workflow.Future) { got = "fast" })
			if err := s.Select(ctx); err != nil || got != "fast" {
				t.Errorf("Select = %v, %q, want the fast task", err, got)
			}
		})
	})
}

func TestMisuseOfTasks(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		mustPanic(t, "nursery: Spawn into a nil nursery: pass the one that the task belongs to", func() {
			nursery.Spawn(nil, "", answer(0, nil))
		})
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			nilFunction := " with a nil function: there is nothing to run"
			mustPanic(t, "nursery: Spawn"+nilFunction, func() { nursery.Spawn[int](n, "", nil) })
			mustPanic(t, "nursery: Task"+nilFunction, func() { n.Task("", nil) })
			mustPanic(t, "nursery: Background"+nilFunction, func() { n.Background("", nil) })
			task := n.Task("", nothing)
			mustPanic(t, "nursery: Join with a nil context: pass the one of the calling task", func() { _, _ = task.Join(nil) })
		})
	})
}
