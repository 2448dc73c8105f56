package nursery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// The cancellation that passes through the inner nursery carries a *TaskError as its
// reason, and is no failed task of that nursery all the same.
func TestHeadingDoesNotCountAPassingFailureOfTheOuterNursery(t *testing.T) {
	bubbletest.Run(t, "inner", func(t *testing.T) {
		var inner error
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("outer", with(errBoom))
			inner = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("late", stubborn(errBang))
				<-ctx.Done()
				return context.Cause(ctx)
			})
			return inner
		})
		want := "1 task failed:\n\tlate: bang\n\tscope canceled: a task failed: outer: boom"
		if got := inner.Error(); got != want {
			t.Errorf("Error() =\n%s\nwant\n%s", got, want)
		}
	})
}

// Under Supervise the cause of the cancellation by the body does not name an earlier
// failure, which canceled nothing.
func TestSuperviseCauseNamesTheBody(t *testing.T) {
	bubbletest.Run(t, "cause", func(t *testing.T) {
		var cause error
		nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "tolerated", func(context.Context) (int, error) { return 0, errBoom })
			<-task.Done()
			n.GoNamed("sibling", func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return nil
			})
			return errBang
		})
		if got, want := cause.Error(), "scope canceled: a task failed: body: bang"; got != want {
			t.Errorf("Cause = %q, want %q", got, want)
		}
	})
}

// checkBlame checks that err, which call gave, is a cancellation that blames a task and
// its error.
func checkBlame(t *testing.T, call string, err error, task string, want error) {
	t.Helper()
	c := bubbletest.CheckCanceled(t, call, err, cancelscope.ByTask)
	var blamed *nursery.TaskError
	if !errors.As(c.Reason(), &blamed) || blamed.Task != task || !errors.Is(blamed, want) {
		t.Errorf("%s: reason = %v, want that task %q failed with %v", call, c.Reason(), task, want)
	}
	if !errors.Is(c, want) {
		t.Errorf("errors.Is(%v, %v) = false, want true", c, want)
	}
}

func TestReasonNamesTheFailedTask(t *testing.T) {
	// catalogue: trio/test_cancelled.py::test_cancel_reason_nursery
	bubbletest.Run(t, "to a sibling that starts only afterwards", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", func(context.Context) error { return errBoom })
			synctest.Wait() // it has failed
			checkBlame(t, "Sleep in the body", deadline.Sleep(ctx, forever), "crasher", errBoom)
			n.GoNamed("late", func(ctx context.Context) error {
				checkBlame(t, "Sleep in the late sibling", deadline.Sleep(ctx, forever), "crasher", errBoom)
				return errBang
			})
			return nil
		})
		checkShape(t, "Run", err, "[crasher=boom late=bang]")
	})

	crash := func(context.Context) error { return errBoom }
	for _, test := range []struct {
		name, task string // the task that is to blame
		fail       func(ctx context.Context, n *nursery.Nursery) error
	}{
		// catalogue: trio/test_cancelled.py::test_cancel_reason_nursery2
		{"to a sibling that was running", "crasher", func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", crash)
			checkBlame(t, "Sleep in the body", deadline.Sleep(ctx, forever), "crasher", errBoom)
			return nil
		}},
		// catalogue: trio/test_cancelled.py::test_cancel_reason_nursery3
		{"which is the body if Start fails in it", "body", func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "crasher", func(ctx context.Context, _ func(int)) error { return crash(ctx) })
			checkCalm(t, "the nursery after a Start that failed", ctx)
			return err
		}},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("sibling", func(ctx context.Context) error {
					checkBlame(t, "Sleep in the sibling", deadline.Sleep(ctx, forever), test.task, errBoom)
					return errBang
				})
				synctest.Wait() // it is asleep
				return test.fail(ctx, n)
			})
			checkShape(t, "Run", err, "["+test.task+"=boom sibling=bang]")
		})
	}

	// catalogue: trio/test_cancelled.py::test_nested_child_source
	bubbletest.Run(t, "which is the body if it fails itself", func(t *testing.T) {
		err := nursery.Config{Name: "upload"}.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("child", func(ctx context.Context) error {
				err := deadline.Sleep(ctx, forever)
				checkBlame(t, "Sleep in the child", err, "body", errBoom)
				if c := bubbletest.CheckCanceled(t, "Sleep in the child", err, cancelscope.ByTask); c.Scope() != "upload" {
					t.Errorf("Scope() = %q, want %q: whose body it was", c.Scope(), "upload")
				}
				return err
			})
			return errBoom
		})
		checkShape(t, "Run", err, "[body=boom]")
	})
}

func TestReasonOfACanceledNursery(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_cancel_with_reason
	bubbletest.Run(t, "is what was given to Cancel", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				c := bubbletest.CheckCanceled(t, "Sleep in a task", deadline.Sleep(ctx, forever), cancelscope.ByCall)
				if c.Reason() != errBoom {
					t.Errorf("reason = %v, want %v", c.Reason(), errBoom)
				}
				return c
			})
			n.Scope().Cancel(errBoom)
			c := bubbletest.CheckCanceled(t, "Sleep in the body", deadline.Sleep(ctx, forever), cancelscope.ByCall)
			if got, want := c.Error(), "scope canceled: boom"; got != want {
				t.Errorf("Error() = %q, want %q", got, want)
			}
			return c
		})
		checkShape(t, "Run", err, "nil")
	})
}
