package nursery_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Run returns when the body and every task have ended, in tasks that tasks started as well.
//
// catalogue: anyio/test_taskgroups.py::test_success
// catalogue: anyio/test_taskgroups.py::test_start_soon_while_running
func TestRunWaitsForAll(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start, ended := workflow.Now(ctx), 0
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			n.Go(func(ctx workflow.Context) error {
				n.Go(func(ctx workflow.Context) error {
					defer func() { ended++ }()
					return sleeps(time.Hour)(ctx)
				})
				ended++
				return sleeps(time.Minute)(ctx)
			})
			if got := n.Running(); got != 1 {
				t.Errorf("Running = %d, want 1", got)
			}
		})
		if d := workflow.Now(ctx).Sub(start); err != nil || ended != 2 || d != time.Hour {
			t.Errorf("Run = %v after %v with %d tasks ended, want nil, 1h, 2", err, d, ended)
		}
	})
}

// The first failure cancels the others; what they return because of it is left out.
//
// catalogue: anyio/test_taskgroups.py::test_exception_cancels_siblings
// catalogue: trio/test_run.py::test_child_crash_basic
// catalogue: trio/test_run.py::test_two_child_crashes
// catalogue: trio/test_cancelled.py::test_cancel_reason_nursery
// catalogue: anyio/test_taskgroups.py::test_exception_group_children
func TestFailureCancelsSiblings(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		var cause error
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			n.GoNamed("long", sleeps(time.Hour))
			n.GoNamed("first", fails(time.Second, errReal))
			n.GoNamed("second", func(ctx workflow.Context) error {
				_ = forever(ctx)
				cause = cancelscope.Cause(ctx)
				return fmt.Errorf("undo: %w", errOther)
			})
			n.GoNamed("joins", func(ctx workflow.Context) error { return errors.Join(forever(ctx), errOther) })
		})
		want := "3 tasks failed:\n\tfirst: real\n\tsecond: undo: other\n\tjoins: other"
		if text(err) != want || workflow.Now(ctx).Sub(start) != time.Second {
			t.Errorf("Run = %q after %v, want %q after a second", text(err), workflow.Now(ctx).Sub(start), want)
		}
		var task *nursery.TaskError
		if !errors.As(cause, &task) || task.Task != "first" || !errors.Is(cause, errReal) {
			t.Errorf("Cause in a sibling = %v, want that it names the task and its error", cause)
		}
		if got := nursery.First(err); got != errReal {
			t.Errorf("First = %v, want the error of the first failure", got)
		}
	})
}

// The body counts as a task.
//
// catalogue: trio/test_run.py::test_nursery_main_block_error_basic
// catalogue: anyio/test_taskgroups.py::test_failing_host_task_cancels_children
// catalogue: anyio/test_taskgroups.py::test_host_exception
func TestBodyFails(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		for _, supervise := range []bool{false, true} {
			err := nursery.Config{Supervise: supervise}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
				n.Go(forever)
				return errReal
			})
			var task *nursery.TaskError
			if text(err) != "real" || !errors.As(err, &task) || task.Task != "body" || !task.MadeUp() {
				t.Errorf("Run of a body that fails, supervise %t = %v, want its error, of the task body", supervise, err)
			}
		}
	})
}

// A nursery that was canceled, and in which nothing failed, returns nil.
func TestCanceledThroughItsScope(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var scope *cancelscope.Scope
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			scope = n.Scope()
			n.Go(forever)
			n.Go(forever)
			scope.Cancel(nil)
		})
		if err != nil || !scope.CanceledCaught() {
			t.Errorf("Run = %v, caught: %t, want nil, true", err, scope.CanceledCaught())
		}
	})
}

// A cancellation from outside is returned: alone, or beside what failed.
func TestCanceledFromOutside(t *testing.T) {
	for _, test := range []struct {
		failure error
		want    string
	}{
		{nil, `scope "outer" canceled`},
		{errReal, "1 task failed:\n\ta: real\n\tscope \"outer\" canceled"},
	} {
		inWorkflow(t, func(ctx workflow.Context) {
			outer := cancelscope.Scope{Name: "outer"}
			var got error
			err := outer.Run(ctx, func(ctx workflow.Context) error {
				got = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
					n.GoNamed("a", func(ctx workflow.Context) error {
						err := forever(ctx)
						if test.failure != nil {
							return test.failure
						}
						return err
					})
					n.GoNamed("b", forever)
					outer.Cancel(nil)
				})
				return got
			})
			if text(got) != test.want {
				t.Errorf("Run = %q, want %q", text(got), test.want)
			}
			if !outer.CanceledCaught() || !errors.Is(err, test.failure) {
				t.Errorf("outer Run = %v, want what failed, %v, without the cancellation", err, test.failure)
			}
		})
	}
}

// A nursery whose tasks all returned nil returns nil, whatever ctx says.
func TestAllNil(t *testing.T) {
	env := wftest.New()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	inEnv(t, env, func(ctx workflow.Context) {
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			n.Go(func(ctx workflow.Context) error {
				_ = forever(ctx)
				return nil
			})
		})
		if err != nil || ctx.Err() == nil {
			t.Errorf("Run in a canceled workflow = %v, want nil", err)
		}
	})
}

// Tasks may be started as long as anything runs, also after the cancellation.
//
// catalogue: trio/test_run.py::test_precancelled_task
// catalogue: trio/test_run.py::test_nursery_closure
// catalogue: anyio/test_taskgroups.py::test_already_closed
func TestStartAfterCancellation(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var kept *nursery.Nursery
		ran := false
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			kept = n
			n.Scope().Cancel(nil)
			n.Go(func(ctx workflow.Context) error {
				ran = true
				return forever(ctx)
			})
		})
		if err != nil || !ran {
			t.Errorf("Run = %v, the task has run: %t, want nil, true", err, ran)
		}
		if err := kept.TryGo("late", nothing); err != nursery.ErrClosed {
			t.Errorf("TryGo on a closed nursery = %v, want ErrClosed", err)
		}
		if got := kept.Running(); got != 0 {
			t.Errorf("Running of a closed nursery = %d, want 0", got)
		}
		closed := "on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo"
		mustPanic(t, "nursery: Go "+closed, func() { kept.Go(nothing) })
		mustPanic(t, "nursery: GoNamed "+closed, func() { kept.GoNamed("late", nothing) })
		mustPanic(t, "nursery: nil function for a task: there is nothing to run", func() { _ = kept.TryGo("", nil) })
		closed = " in a nursery that has closed: call it while the body or a task of the nursery runs"
		mustPanic(t, "nursery: Task"+closed, func() { kept.Task("", nothing) })
		mustPanic(t, "nursery: Background"+closed, func() { kept.Background("", nothing) })
	})
}

// Supervise keeps the tasks apart.
func TestSupervise(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		err := nursery.Config{Name: "n", Supervise: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("a", fails(0, errReal))
			n.GoNamed("b", sleeps(time.Hour))
			n.GoNamed("c", fails(time.Second, errOther))
			return nil
		})
		want := "n: 2 tasks failed:\n\ta: real\n\tc: other"
		if text(err) != want || workflow.Now(ctx).Sub(start) != time.Hour {
			t.Errorf("Run = %q after %v, want %q after an hour", text(err), workflow.Now(ctx).Sub(start), want)
		}
	})
}

func TestConfigTimeoutAndShield(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer cancelscope.Scope
		start := workflow.Now(ctx)
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			outer.Cancel(nil)
			err := nursery.Config{Timeout: time.Minute, Shield: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
				n.Go(forever)
				return nil
			})
			if d := workflow.Now(ctx).Sub(start); err != nil || d != time.Minute {
				t.Errorf("Run = %v after %v, want nil after a minute", err, d)
			}
			return nil
		})
	})
}

// OnError is called for each failure when the siblings have been canceled; Keep says how many the
// Error has.
func TestOnErrorAndKeep(t *testing.T) {
	for _, test := range []struct {
		keep int
		want string
	}{
		{0, "3 tasks failed:\n\ta: real\n\tb: other\n\tc: other"},
		{2, "3 tasks failed:\n\ta: real\n\tb: other\n\tand 1 more that were not kept"},
		{-1, "3 tasks failed\n\tand 3 more that were not kept"},
	} {
		inWorkflow(t, func(ctx workflow.Context) {
			var given []string
			var scope *cancelscope.Scope
			err := nursery.Config{Keep: test.keep, OnError: func(e *nursery.TaskError) {
				if scope.Cause() == nil {
					t.Error("OnError is called before the siblings are canceled")
				}
				given = append(given, e.Error())
			}}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
				scope = n.Scope()
				n.GoNamed("a", fails(0, errReal))
				n.GoNamed("b", fails(1, errOther))
				n.GoNamed("c", fails(2, errOther))
				return nil
			})
			if text(err) != test.want || fmt.Sprint(given) != "[a: real b: other c: other]" {
				t.Errorf("Keep %d: Run = %q, OnError was given %q, want %q and all three", test.keep, text(err), given, test.want)
			}
		})
	}
}

func TestMisuseOfRun(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		body := func(workflow.Context, *nursery.Nursery) error { return nil }
		mustPanic(t, "nursery: Run with a nil context: pass the one of the workflow or task", func() { _ = nursery.Run(nil, body) })
		mustPanic(t, "nursery: Run with a nil body: there is nothing to run", func() { _ = nursery.Run(ctx, nil) })
		mustPanic(t, "nursery: Keep without OnError: errors would be lost", func() { _ = nursery.Config{Keep: 1}.Run(ctx, body) })
		mustPanic(t, "nursery: Keep less than -1: pass how many failures to keep, 0 for all, -1 for none", func() {
			_ = nursery.Config{Keep: -2, OnError: func(*nursery.TaskError) {}}.Run(ctx, body)
		})
	})
}

// A task runs in a coroutine that bears its name, and begins when the caller waits, in the order of
// the calls.
func TestOrderOfTasks(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var order []string
		_ = run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			for _, name := range []string{"a", "b", "c"} {
				n.GoNamed(name, func(workflow.Context) error {
					order = append(order, name)
					return nil
				})
			}
			order = append(order, "body")
		})
		if got := fmt.Sprint(order); got != "[body a b c]" {
			t.Errorf("ran in the order %s, want [body a b c]", got)
		}
	})
}
