package nursery_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestErrorsAreWrapped(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_main_block_error_basic
	// catalogue: trio/test_run.py::test_nursery_explicit_exception
	t.Run("one of a body without tasks", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return errBoom })
		checkShape(t, "Run with a body that fails", err, "[body=boom]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom}) {
			t.Errorf("errors of Run = %v, want the very %v", got, errBoom)
		}
	})

	// catalogue: trio/test_run.py::test_child_crash_basic
	t.Run("one of a task", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", failing(0, errBoom))
			return nil
		})
		checkShape(t, "Run with a task that fails", err, "[crasher=boom]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom}) {
			t.Errorf("errors of Run = %v, want the very %v", got, errBoom)
		}
	})

	// catalogue: trio/test_run.py::test_main_and_task_both_crash
	bubbletest.Run(t, "one of the body and one of a task", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", stubborn(errBang))
			return errBoom
		})
		checkShape(t, "Run with a body and a task that fail", err, "[body=boom crasher=bang]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) {
			t.Errorf("errors of Run = %v, want the very %v", got, []error{errBoom, errBang})
		}
	})

	// catalogue: trio/test_run.py::test_two_child_crashes
	bubbletest.Run(t, "two of tasks", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", stubborn(errBang))
			n.GoNamed("b", failing(time.Second, errBoom))
			return nil
		})
		checkShape(t, "Run with two tasks that fail", err, "[b=boom a=bang]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) {
			t.Errorf("errors of Run = %v, want the very %v", got, []error{errBoom, errBang})
		}
	})

	// catalogue: trio/test_run.py::test_setting_strict_exception_groups
	bubbletest.Run(t, "one as well as two", func(t *testing.T) {
		for _, failures := range []int{1, 2} {
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				for range failures {
					n.GoNamed("crasher", func(context.Context) error { return errBoom })
				}
				return nil
			})
			group, ok := err.(*nursery.Error)
			if !ok || len(group.Unwrap()) != failures {
				t.Errorf("Run with %d failing tasks = %T %v, want a *nursery.Error with as many members", failures, err, err)
			}
		}
	})

	// catalogue: trio/test_run.py::test_nursery_stop_iteration
	bubbletest.Run(t, "io.EOF is an error like others", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", stubborn(errBoom))
			return io.EOF
		})
		checkShape(t, "Run with a body that returns io.EOF", err, "[body=EOF crasher=boom]")
		if got := leaves(err); !slices.Equal(got, []error{io.EOF, errBoom}) {
			t.Errorf("errors of Run = %v, want the very io.EOF and %v", got, errBoom)
		}
	})
}

func TestErrorsOfNestedNurseries(t *testing.T) {
	// within runs body in nested nurseries, each the task of the one around it.
	var within func(ctx context.Context, depth int, body func(context.Context, *nursery.Nursery) error) error
	within = func(ctx context.Context, depth int, body func(context.Context, *nursery.Nursery) error) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			if depth == 1 {
				return body(ctx, n)
			}
			n.GoNamed("inner", func(ctx context.Context) error { return within(ctx, depth-1, body) })
			return nil
		})
	}

	// catalogue: trio/test_run.py::test_system_task_crash_ExceptionGroup
	bubbletest.Run(t, "a layer each", func(t *testing.T) {
		err := within(t.Context(), 3, func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", failing(time.Second, errBoom))
			n.GoNamed("b", stubborn(errBang))
			return nil
		})
		checkShape(t, "Run in Run in Run with two tasks that fail", err, "[inner=[inner=[a=boom b=bang]]]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) {
			t.Errorf("errors of Run = %v, want the very %v", got, []error{errBoom, errBang})
		}
	})

	// catalogue: trio/test_run.py::test_system_task_crash_plus_Cancelled
	bubbletest.Run(t, "a layer each for what a cancellation leaves", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			return within(ctx, 3, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("canceled", sleeping(forever))
				n.GoNamed("crasher", stubborn(errBoom))
				s.Cancel(nil)
				return nil
			})
		})
		checkShape(t, "a canceled scope around Run in Run in Run", err, "[inner=[inner=[crasher=boom]]]")
	})

	// catalogue: trio/test_run.py::test_nursery_collapse
	bubbletest.Run(t, "one that is left is not unwrapped", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("sleeper", sleeping(forever))
			n.GoNamed("crasher", failing(time.Second, errBoom))
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("sleeper", sleeping(forever))
				n.GoNamed("late", stubborn(errBang))
				return deadline.Sleep(ctx, forever)
			})
		})
		checkShape(t, "Run around a canceled Run", err, "[crasher=boom body=[late=bang]]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) {
			t.Errorf("errors of Run = %v, want the very %v", got, []error{errBoom, errBang})
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_nested_task_group_filtering
	bubbletest.Run(t, "clean-up that fails inside", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, outer *nursery.Nursery) error {
			outer.GoNamed("inner", func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("cleaner", func(ctx context.Context) (err error) {
						defer func() { err = errBang }()
						return deadline.Sleep(ctx, forever)
					})
					n.GoNamed("sleeper", sleeping(forever))
					return nil
				})
			})
			outer.GoNamed("crasher", failing(time.Second, errBoom))
			return nil
		})
		checkShape(t, "Run with an inner nursery", err, "[crasher=boom inner=[cleaner=bang]]")
	})
}

func TestErrorsUnderAnOuterCancellation(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_scope_exceptiongroup_filtering
	bubbletest.Run(t, "the nursery keeps its cancellation for the scope around", func(t *testing.T) {
		var outer cancelscope.Scope
		var inside error
		var innerCalled bool
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			inside = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("a", sleeping(forever))
				n.GoNamed("b", sleeping(forever))
				// Its failure cancels the nursery first, and only then comes the
				// cancellation from outside: still nothing may be removed here.
				n.GoNamed("crasher", failing(time.Second, errBoom))
				<-ctx.Done()
				innerCalled = n.Scope().CancelCalled()
				outer.Cancel(nil)
				return context.Cause(ctx)
			})
			return inside
		})
		checkShape(t, "Run in a canceled scope", inside, "[crasher=boom canceled]")
		checkShape(t, "the canceled scope", err, "[crasher=boom]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom}) {
			t.Errorf("errors of the scope = %v, want the very %v", got, errBoom)
		}
		if !innerCalled || !outer.CanceledCaught() {
			t.Errorf("the nursery was canceled by its task: %v, the scope absorbed: %v, want true, true", innerCalled, outer.CanceledCaught())
		}
	})

	// catalogue: trio/test_run.py::test_cancel_scope_no_cancellederror
	bubbletest.Run(t, "a canceled scope lets a group without cancellations through", func(t *testing.T) {
		var s cancelscope.Scope
		var inside error
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			inside = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("a", stubborn(errBoom))
				return errBang
			})
			return inside
		})
		checkShape(t, "the canceled scope", err, "[a=boom body=bang]", "[body=bang a=boom]")
		if err != inside || s.CanceledCaught() || !s.CancelCalled() {
			t.Errorf("Scope.Run gives the same error: %v, CanceledCaught %v, CancelCalled %v, want true, false, true",
				err == inside, s.CanceledCaught(), s.CancelCalled())
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_single_cancellation_exc
	bubbletest.Run(t, "cancellations alone are returned as one", func(t *testing.T) {
		var s cancelscope.Scope
		var inside error
		err := s.Run(t.Context(), func(ctx context.Context) error {
			inside = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(sleeping(forever))
				n.Go(sleeping(forever))
				s.Cancel(errBoom)
				return deadline.Sleep(ctx, forever)
			})
			return inside
		})
		c := bubbletest.CheckCanceled(t, "Run in a canceled scope", inside, cancelscope.ByCall)
		if c.Reason() != errBoom {
			t.Errorf("Reason of what Run returned = %v, want %v", c.Reason(), errBoom)
		}
		if err != nil || !s.CanceledCaught() {
			t.Errorf("Scope.Run = %v, CanceledCaught %v, want nil, true", err, s.CanceledCaught())
		}
	})
}

func TestErrorsOfCleanUp(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_exception_group_children
	bubbletest.Run(t, "a task that fails while it is canceled for another", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("first", failing(time.Second, errBoom))
			n.GoNamed("cleaner", func(ctx context.Context) (err error) {
				defer func() {
					if shieldErr := cancelscope.Shield(ctx, time.Minute, sleeping(time.Second)); shieldErr != nil {
						t.Errorf("Shield in the clean-up = %v, want nil", shieldErr)
					}
					err = errBang
				}()
				return deadline.Sleep(ctx, forever)
			})
			return nil
		})
		bubbletest.CheckElapsed(t, "Run with clean-up of a second", start, 2*time.Second)
		checkShape(t, "Run with two failures", err, "[first=boom cleaner=bang]")
	})

	// catalogue: anyio/test_taskgroups.py::test_exception_group_host
	bubbletest.Run(t, "a task that fails while it is canceled for the body", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("cleaner", func(ctx context.Context) (err error) {
				defer func() { err = errBang }()
				return deadline.Sleep(ctx, forever)
			})
			return errBoom
		})
		checkShape(t, "Run with two failures", err, "[body=boom cleaner=bang]")
	})
}
