package nursery_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Start returns the value that the task gives to started, and the task continues in the nursery.
//
// catalogue: trio/test_run.py::test_nursery_start
// catalogue: anyio/test_taskgroups.py::test_start_with_value
// catalogue: anyio/test_taskgroups.py::test_start_crash_after_started_call
func TestStart(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			v, err := nursery.Start(ctx, n, "server", func(ctx workflow.Context, started func(string)) error {
				if err := sleeps(time.Second)(ctx); err != nil {
					return err
				}
				started("ready")
				if err := sleeps(time.Minute)(ctx); err != nil {
					return err
				}
				return errReal
			})
			if v != "ready" || err != nil || workflow.Now(ctx).Sub(start) != time.Second {
				t.Errorf("Start = %q, %v after %v, want ready after a second", v, err, workflow.Now(ctx).Sub(start))
			}
		})
		if text(err) != "server: real" {
			t.Errorf("Run = %v, want the later failure of the task", err)
		}
	})
}

// Before started the task belongs to the caller: its error is Start's alone, and it is canceled with
// the caller's context and not with the nursery.
//
// catalogue: anyio/test_taskgroups.py::test_start_crash_before_started_call
// catalogue: anyio/test_taskgroups.py::test_start_no_started_call
// catalogue: anyio/test_taskgroups.py::test_start_cancelled
func TestStartBeforeStarted(t *testing.T) {
	for _, test := range []struct {
		name string
		task func(ctx workflow.Context, started func(int)) error
		want error
	}{
		{"fails", func(workflow.Context, func(int)) error { return errReal }, errReal},
		{"ends without started", func(workflow.Context, func(int)) error { return nil }, nursery.ErrNotStarted},
		{"is canceled", func(ctx workflow.Context, _ func(int)) error { return forever(ctx) }, workflow.ErrCanceled},
		{"is canceled and returns nil", func(ctx workflow.Context, _ func(int)) error {
			_ = forever(ctx)
			return nil
		}, workflow.ErrCanceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorkflow(t, func(ctx workflow.Context) {
				err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
					var caller cancelscope.Scope
					caller.SetTimeout(time.Minute)
					err := caller.Run(ctx, func(ctx workflow.Context) error {
						_, err := nursery.Start(ctx, n, "", test.task)
						if !errors.Is(err, test.want) {
							t.Errorf("Start = %v, want %v", err, test.want)
						}
						if test.want == workflow.ErrCanceled && err != caller.Cause() {
							t.Errorf("Start = %v, want the cause of the caller's scope", err)
						}
						return nil
					})
					if err != nil || n.Scope().Cause() != nil {
						t.Errorf("the nursery was canceled by a task that is not its own: %v", n.Scope().Cause())
					}
				})
				if err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
			})
		})
	}
}

// A task that has moved is canceled with the nursery, and no longer with the caller.
func TestStartMoves(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			var caller cancelscope.Scope
			var got error
			_ = caller.Run(ctx, func(ctx workflow.Context) error {
				_, err := nursery.Start(ctx, n, "", func(ctx workflow.Context, started func(int)) error {
					var inside cancelscope.Scope
					return inside.Run(ctx, func(ctx workflow.Context) error {
						started(1)
						got = forever(ctx)
						return got
					})
				})
				caller.Cancel(errOther)
				return err
			})
			stubborn(ctx, time.Second)
			if got != nil {
				t.Errorf("the task that moved was canceled with the caller: %v", got)
			}
			n.Scope().Cancel(errReal)
			stubborn(ctx, time.Second)
			if !errors.Is(got, errReal) {
				t.Errorf("the task that moved ended with %v, want the cancellation of the nursery", got)
			}
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// If the caller is canceled already, the task does not move.
func TestStartByACanceledCaller(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			var caller cancelscope.Scope
			_ = caller.Run(ctx, func(ctx workflow.Context) error {
				caller.Cancel(nil)
				v, err := nursery.Start(ctx, n, "", func(ctx workflow.Context, started func(int)) error {
					started(7)
					stubborn(ctx, time.Minute)
					return nil
				})
				if v != 7 || err != nil {
					t.Errorf("Start = %d, %v, want 7, nil", v, err)
				}
				return nil
			})
		})
	})
}

// A pending Start keeps the nursery open.
//
// catalogue: trio/test_run.py::test_nursery_start_keeps_nursery_open
// catalogue: anyio/test_taskgroups.py::test_start_already_closed
func TestPendingStart(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		_ = run(ctx, func(ctx workflow.Context, outer *nursery.Nursery) {
			var inner *nursery.Nursery
			outer.Go(func(ctx workflow.Context) error {
				return run(ctx, func(_ workflow.Context, n *nursery.Nursery) { inner = n })
			})
			outer.Go(func(ctx workflow.Context) error {
				if _, err := nursery.Start(ctx, inner, "", func(_ workflow.Context, started func(int)) error { return nil }); err != nursery.ErrClosed {
					t.Errorf("Start into a nursery that has closed = %v, want ErrClosed", err)
				}
				return run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
					outer.Go(func(ctx workflow.Context) error {
						v, err := nursery.Start(ctx, n, "", func(ctx workflow.Context, started func(int)) error {
							stubborn(ctx, time.Minute)
							started(3)
							return nil
						})
						if v != 3 || err != nil {
							t.Errorf("Start = %d, %v, want 3, nil", v, err)
						}
						return nil
					})
					stubborn(ctx, time.Second) // so that the Start is pending
				})
			})
		})
	})
}

// catalogue: anyio/test_taskgroups.py::test_start_return_handle_success
func TestStartTask(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			v, task, err := nursery.StartTask(ctx, n, "x", func(ctx workflow.Context, started func(string)) (int, error) {
				started("ready")
				return 42, sleeps(time.Second)(ctx)
			})
			if v != "ready" || err != nil {
				t.Fatalf("StartTask = %q, %v, want ready, nil", v, err)
			}
			if r, err := task.Wait(ctx); r != 42 || err != nil {
				t.Errorf("Wait = %d, %v, want 42, nil", r, err)
			}
			_, task, err = nursery.StartTask(ctx, n, "x", func(workflow.Context, func(string)) (int, error) { return 0, errReal })
			if task != nil || err != errReal {
				t.Errorf("StartTask of a task that fails = %v, %v, want no handle and the error", task, err)
			}
		})
	})
}

// catalogue: anyio/test_taskgroups.py::test_start_called_twice
func TestMisuseOfStart(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		task := func(_ workflow.Context, started func(int)) error { return nil }
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			mustPanic(t, "nursery: Start with a nil context: pass the one of the calling task", func() { _, _ = nursery.Start(nil, n, "", task) })
			mustPanic(t, "nursery: Start into a nil nursery: pass the one that the task is to move to", func() { _, _ = nursery.Start(ctx, nil, "", task) })
			mustPanic(t, "nursery: StartBackground with a nil function: there is nothing to run", func() { _, _ = nursery.StartBackground[int](ctx, n, "", nil) })
			mustPanic(t, "nursery: StartTask with a nil function: there is nothing to run", func() { _, _, _ = nursery.StartTask[int, int](ctx, n, "", nil) })
			var kept func(int)
			_, _ = nursery.Start(ctx, n, "", func(_ workflow.Context, started func(int)) error {
				kept = started
				started(1)
				mustPanic(t, "nursery: started called twice: call it once, when the task is ready", func() { started(2) })
				return nil
			})
			stubborn(ctx, time.Second)
			mustPanic(t, "nursery: started called after its task has ended: call it from the task before it returns", func() { kept(3) })
		})
	})
}
