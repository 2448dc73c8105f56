package nursery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// giving is a task that gives v after d.
func giving[T any](d time.Duration, v T) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return v, deadline.Sleep(ctx, d) }
}

// checkResult checks the result of a task that has ended well.
func checkResult[T comparable](t *testing.T, name string, task *nursery.Task[T], want T) {
	t.Helper()
	if got, err := task.Result(); got != want || err != nil {
		t.Errorf("Result of %s = %v, %v, want %v, nil", name, got, err, want)
	}
}

func TestTaskResults(t *testing.T) {
	for _, test := range []struct {
		name               string
		first, pause, took time.Duration // the second task takes 2s, and starts after the pause
	}{
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_01
		{"are there after Run", time.Second, 0, 2 * time.Second},
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_02
		{"of tasks started one after another", 2 * time.Second, time.Second, 3 * time.Second},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			start := time.Now()
			var a, b *nursery.Task[int]
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				a = nursery.Spawn(n, "", giving(test.first, 42))
				if err := deadline.Sleep(ctx, test.pause); err != nil {
					return err
				}
				if bubbletest.IsClosed(a.Done()) {
					t.Error("the first task has ended, want it running when the second starts")
				}
				b = nursery.Spawn(n, "", giving(2*time.Second, 11))
				return nil
			})
			bubbletest.CheckElapsed(t, "Run", start, test.took)
			if err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
			checkResult(t, "a", a, 42)
			checkResult(t, "b", b, 11)
		})
	}

	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_return_value
	bubbletest.Run(t, "are not there before the end", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", giving(time.Second, 6))
			if v, err := task.Result(); v != 0 || err != nursery.ErrNotFinished || bubbletest.IsClosed(task.Done()) {
				t.Errorf("Result of a task that runs = %d, %v, Done closed: %v, want 0, %v, false", v, err, bubbletest.IsClosed(task.Done()), nursery.ErrNotFinished)
			}
			if v, err := task.Wait(ctx); v != 6 || err != nil {
				t.Errorf("Wait = %d, %v, want 6, nil", v, err)
			}
			checkResult(t, "a task that has ended", task, 6)
			if !bubbletest.IsClosed(task.Done()) {
				t.Error("Done of a task that has ended is open, want it closed")
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})

	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_exception
	bubbletest.Run(t, "of a task that fails", func(t *testing.T) {
		var task *nursery.Task[int]
		var waited error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task = nursery.Spawn(n, "crasher", func(ctx context.Context) (int, error) {
				return 6, failing(time.Second, errBoom)(ctx)
			})
			if v, err := task.Result(); v != 0 || err != nursery.ErrNotFinished || bubbletest.IsClosed(task.Done()) {
				t.Errorf("Result of a task that runs = %d, %v, Done closed: %v, want 0, %v, false", v, err, bubbletest.IsClosed(task.Done()), nursery.ErrNotFinished)
			}
			// Not under ctx: the failure cancels that before the wait ends.
			_, waited = task.Wait(context.WithoutCancel(ctx))
			return nil
		})
		checkShape(t, "Run with a task that fails", err, "[crasher=boom]")
		if waited != errBoom || !bubbletest.IsClosed(task.Done()) {
			t.Errorf("Wait for a task that fails = %v, Done closed: %v, want the very %v, true", waited, bubbletest.IsClosed(task.Done()), errBoom)
		}
		if v, err := task.Result(); v != 0 || err != errBoom {
			t.Errorf("Result of a task that failed = %d, %v, want 0, the very %v", v, err, errBoom)
		}
	})

	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_wait
	bubbletest.Run(t, "need not be looked at", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "crasher", func(ctx context.Context) (int, error) {
				return 0, failing(time.Second, errBoom)(ctx)
			})
			if bubbletest.IsClosed(task.Done()) {
				t.Error("Done of a task that runs is closed, want it open")
			}
			for range 2 {
				<-task.Done()
				bubbletest.CheckElapsed(t, "receiving from Done", start, time.Second)
			}
			if _, err := task.Result(); err != errBoom {
				t.Errorf("Result after Done = %v, want %v", err, errBoom)
			}
			return nil
		})
		checkShape(t, "Run with a task that fails", err, "[crasher=boom]")
	})

	bubbletest.Run(t, "are not waited for by a caller that is canceled", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			slow := nursery.Spawn(n, "", giving(time.Minute, 1))
			done := nursery.Spawn(n, "", giving(0, 2))
			<-done.Done()
			start := time.Now()
			expired, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := slow.Wait(ctx)
				return err
			})
			bubbletest.CheckElapsed(t, "MoveOnAfter around Wait", start, time.Second)
			if !expired || err != nil || bubbletest.IsClosed(slow.Done()) {
				t.Errorf("MoveOnAfter around Wait = %v, %v, the task has ended: %v, want true, nil, false", expired, err, bubbletest.IsClosed(slow.Done()))
			}
			var s cancelscope.Scope
			s.Run(ctx, func(ctx context.Context) error {
				s.Cancel(errBoom)
				v, err := slow.Wait(ctx)
				if c := bubbletest.CheckCanceled(t, "Wait under a context that is done", err, cancelscope.ByCall); c.Reason() != errBoom || v != 0 {
					t.Errorf("Wait under a context that is done = %v, %v, want 0 and the cause of the context", v, err)
				}
				if v, err := done.Wait(ctx); v != 2 || err != nil {
					t.Errorf("Wait for a task that has ended, under a context that is done = %v, %v, want its result, 2, nil", v, err)
				}
				return nil
			})
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

func TestTaskCancel(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_03
	bubbletest.Run(t, "ends one task alone", func(t *testing.T) {
		start := time.Now()
		var a, b *nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			a = nursery.Spawn(n, "", giving(forever, 42))
			if err := deadline.Sleep(ctx, time.Second); err != nil {
				return err
			}
			a.Cancel(nil)
			_, err := a.Wait(ctx)
			bubbletest.CheckCanceled(t, "Wait for a task that was canceled", err, cancelscope.ByCall)
			if ctx.Err() != nil || n.Scope().CancelCalled() {
				t.Errorf("after Task.Cancel ctx.Err of the nursery = %v, CancelCalled %v, want nil, false", ctx.Err(), n.Scope().CancelCalled())
			}
			b = nursery.Spawn(n, "", giving(time.Second, 11))
			return nil
		})
		bubbletest.CheckElapsed(t, "Run", start, 2*time.Second)
		if err != nil {
			t.Errorf("Run with a task that was canceled by itself = %v, want nil", err)
		}
		checkResult(t, "the task started after that", b, 11)
	})

	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_cancel
	bubbletest.Run(t, "before it has begun", func(t *testing.T) {
		began, passed := false, false
		var sibling, task *nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			sibling = nursery.Spawn(n, "", giving(time.Second, 1))
			release := make(chan struct{})
			task = nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				<-release // so that the task is canceled before its first statement of interest
				began = true
				if err := deadline.Sleep(ctx, 0); err != nil {
					return 7, err
				}
				passed = true
				return 7, nil
			})
			task.Cancel(errBang)
			task.Cancel(errBoom) // too late to be the reason
			if _, err := task.Result(); err != nursery.ErrNotFinished || bubbletest.IsClosed(task.Done()) {
				t.Errorf("Result between Cancel and the end = %v, Done closed: %v, want %v, false", err, bubbletest.IsClosed(task.Done()), nursery.ErrNotFinished)
			}
			close(release)
			for range 2 {
				v, err := task.Wait(ctx)
				c := bubbletest.CheckCanceled(t, "Wait for a task that was canceled", err, cancelscope.ByCall)
				if v != 0 || c.Reason() != errBang || !errors.Is(err, context.Canceled) {
					t.Errorf("Wait for a task that was canceled = %d, %v, want 0 and a context.Canceled for the reason %v", v, err, errBang)
				}
			}
			return nil
		})
		if !began || passed || err != nil {
			t.Errorf("a task canceled before it began: began %v, passed its first wait %v, Run = %v, want true, false, nil", began, passed, err)
		}
		_, err = task.Result()
		bubbletest.CheckCanceled(t, "Result of the task that was canceled", err, cancelscope.ByCall)
		checkResult(t, "its sibling", sibling, 1)
	})

	bubbletest.Run(t, "of a task that returns a value all the same", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 3, nil
			})
			task.Cancel(nil)
			if v, err := task.Wait(ctx); v != 3 || err != nil {
				t.Errorf("Wait for a task that swallowed its cancellation = %d, %v, want 3, nil", v, err)
			}
			task.Cancel(errBoom)
			checkResult(t, "a task canceled after its end", task, 3)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})

	bubbletest.Run(t, "of a task whose clean-up fails", func(t *testing.T) {
		var task *nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task = nursery.Spawn(n, "cleaner", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 3, errors.Join(context.Cause(ctx), errBoom)
			})
			synctest.Wait() // the task waits for its cancellation
			task.Cancel(nil)
			return nil
		})
		checkShape(t, "Run with a canceled task whose clean-up fails", err, "[cleaner=join(boom)]")
		if _, err := task.Result(); !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) {
			t.Errorf("Result of that task = %v, want the error of its clean-up alone", err)
		}
	})
}

// six is a task with a name of its own and a result.
func six(ctx context.Context) (int, error) { return 6, errBoom }

// server has tasks that are methods.
type server struct{}

func (*server) serve(ctx context.Context) error { return errBoom }

// ready is a task with a name of its own to start.
func ready(ctx context.Context, started func(int)) error {
	started(1)
	return errBoom
}

// readySix is such a task with a result.
func readySix(ctx context.Context, started func(int)) (int, error) {
	started(1)
	return 6, errBoom
}

// nameInError runs a nursery whose one task, that start starts, fails, and returns the
// name of the task in the error.
func nameInError(t *testing.T, start func(ctx context.Context, n *nursery.Nursery)) string {
	t.Helper()
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		start(context.WithoutCancel(ctx), n)
		return nil
	})
	var task *nursery.TaskError
	if !errors.As(err, &task) || task.Err != errBoom {
		t.Fatalf("Run with a task that fails = %v, want its *TaskError", err)
	}
	return task.Task
}

func TestTaskNames(t *testing.T) {
	type starter func(ctx context.Context, n *nursery.Nursery)
	var handle string // the name that the handle gave
	defaults := map[string]starter{
		"serve": func(_ context.Context, n *nursery.Nursery) { n.Go(new(server).serve) },
		"func":  func(_ context.Context, n *nursery.Nursery) { n.Go(func(context.Context) error { return errBoom }) },
		"six":   func(_ context.Context, n *nursery.Nursery) { handle = nursery.Spawn(n, "", six).Name() },
		"ready": func(ctx context.Context, n *nursery.Nursery) { nursery.Start(ctx, n, "", ready) },
		"readySix": func(ctx context.Context, n *nursery.Nursery) {
			_, task, _ := nursery.StartTask(ctx, n, "", readySix)
			handle = task.Name()
		},
	}
	// catalogue: trio/test_run.py::test_spawn_name
	// catalogue: anyio/test_taskgroups.py::test_task_name_default
	for function, start := range defaults {
		bubbletest.Run(t, "by default that of the function "+function, func(t *testing.T) {
			handle = ""
			name := nameInError(t, start)
			if !strings.Contains(name, function) || !strings.HasPrefix(name, "nursery_test.") {
				t.Errorf("name in the error of a task without one = %q, want %q in it, after the package", name, function)
			}
			if handle != "" && handle != name {
				t.Errorf("Name of the handle = %q, want that of the error, %q", handle, name)
			}
		})
	}

	// catalogue: anyio/test_taskgroups.py::test_task_name_custom_name
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_task_name
	given := map[string]starter{
		"GoNamed": func(_ context.Context, n *nursery.Nursery) { n.GoNamed("yolo", new(server).serve) },
		"TryGo": func(_ context.Context, n *nursery.Nursery) {
			if err := n.TryGo("yolo", new(server).serve); err != nil {
				t.Errorf("TryGo = %v, want nil", err)
			}
		},
		"Spawn": func(_ context.Context, n *nursery.Nursery) { handle = nursery.Spawn(n, "yolo", six).Name() },
		"Start": func(ctx context.Context, n *nursery.Nursery) { nursery.Start(ctx, n, "yolo", ready) },
	}
	for function, start := range given {
		bubbletest.Run(t, "as given to "+function, func(t *testing.T) {
			handle = "yolo"
			name := nameInError(t, start)
			if name != "yolo" || handle != "yolo" {
				t.Errorf("%s: name in the error = %q, in the handle %q, want yolo", function, name, handle)
			}
		})
	}
}
