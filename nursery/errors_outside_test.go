package nursery_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// An odd error is one of a type of its own, where Python has exceptions of a second
// class.
type oddError struct{ what string }

func (e oddError) Error() string { return e.what }

func TestRealErrorsWinOverOuterCancellation(t *testing.T) {
	// In asyncio the group takes the place of the cancellation; here both go up, and
	// the scope that was canceled takes the cancellation away.

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_08
	bubbletest.Run(t, "of the tasks", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", stubborn(errBoom))
			n.GoNamed("b", stubborn(errBang))
			return deadline.Sleep(ctx, forever)
		})
		checkShape(t, "Run under a context that was canceled", err, "[a=boom b=bang canceled]", "[b=bang a=boom canceled]")
		if !errors.Is(err, errBoom) || !errors.Is(err, errBang) || !errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is finds in %v: %v %v %v, want all three", err, errors.Is(err, errBoom), errors.Is(err, errBang), errors.Is(err, context.Canceled))
		}

		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", stubborn(errBoom))
			return nil
		})
		checkShape(t, "Run in which no task returned the cancellation", err, "[a=boom]")
	})

	for name, sleeper := range map[string]bool{
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_11
		"of an inner nursery's tasks": false,
		// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_12
		"of an inner nursery's tasks beside an outer sleeper": true,
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			err := canceledAfter(t, time.Second, func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					if sleeper {
						n.GoNamed("sleeper", sleeping(forever))
					}
					return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("a", stubborn(errBoom))
						n.GoNamed("b", stubborn(errBang))
						return deadline.Sleep(ctx, forever)
					})
				})
			})
			checkShape(t, "a canceled scope around two nurseries", err, "[body=[a=boom b=bang]]", "[body=[b=bang a=boom]]")
		})
	}

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_15
	bubbletest.Run(t, "of a task that ignores the cancellation", func(t *testing.T) {
		start := time.Now()
		err := canceledAfter(t, time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("crasher", func(ctx context.Context) error {
					return cancelscope.Shield(ctx, forever, failing(2*time.Second, errBoom))
				})
				cause := deadline.Sleep(ctx, forever)
				bubbletest.CheckCanceled(t, "Sleep in the body", cause, cancelscope.ByCall)
				if err := cancelscope.Shield(ctx, forever, sleeping(5*time.Second)); err != nil {
					t.Errorf("Shield in the body's clean-up = %v, want nil", err)
				}
				return cause
			})
		})
		bubbletest.CheckElapsed(t, "Run with clean-up of 5s after a cancellation at 1s", start, 6*time.Second)
		checkShape(t, "a canceled scope around a nursery", err, "[crasher=boom]")
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_16
	bubbletest.Run(t, "through a goroutine that waits for the task with the nursery", func(t *testing.T) {
		err := canceledAfter(t, time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				task := nursery.Spawn(n, "inner", func(ctx context.Context) (int, error) {
					return 0, nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("crasher", func(ctx context.Context) error {
							return cancelscope.Shield(ctx, forever, failing(2*time.Second, errBoom))
						})
						return deadline.Sleep(ctx, forever)
					})
				})
				_, err := task.Wait(ctx)
				bubbletest.CheckCanceled(t, "Wait in the body", err, cancelscope.ByCall)
				return err
			})
		})
		checkShape(t, "a canceled scope around a nursery", err, "[inner=[crasher=boom]]")
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_18
	bubbletest.Run(t, "of the body", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("quiet", func(ctx context.Context) error {
				<-ctx.Done()
				return nil
			})
			return stubborn(errBoom)(ctx)
		})
		checkShape(t, "Run whose body answers the cancellation with an error", err, "[body=boom]")
		if errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is finds context.Canceled in %v, want no cancellation in it", err)
		}
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_timeout_taskgroup
	bubbletest.Run(t, "of a task in a nursery that is too slow", func(t *testing.T) {
		start := time.Now()
		err := deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("cleaner", func(ctx context.Context) (err error) {
					defer func() { err = errBoom }()
					return deadline.Sleep(ctx, forever)
				})
				n.GoNamed("sleeper", sleeping(forever))
				return deadline.Sleep(ctx, forever)
			})
		})
		bubbletest.CheckElapsed(t, "FailAfter of a second", start, time.Second)
		checkShape(t, "FailAfter around a nursery with clean-up that fails", err, "[cleaner=boom]")
		if tooSlow := new(deadline.TooSlowError); errors.As(err, &tooSlow) {
			t.Errorf("errors.As finds %v, want no TooSlowError", tooSlow)
		}
	})
}

// canceledAfter runs fn in a scope that is canceled after d.
func canceledAfter(t *testing.T, d time.Duration, fn func(ctx context.Context) error) error {
	var s cancelscope.Scope
	time.AfterFunc(d, func() { s.Cancel(nil) })
	return s.Run(t.Context(), fn)
}

func TestErrorsBetweenNestedNurseries(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_13
	bubbletest.Run(t, "a failure outside cancels the inner one, which adds nothing", func(t *testing.T) {
		start := time.Now()
		var inner error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", failing(time.Second, errBoom))
			inner = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("sleeper", sleeping(forever))
				return deadline.Sleep(ctx, forever)
			})
			return inner
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		checkShape(t, "the outer Run", err, "[crasher=boom]")
		bubbletest.CheckCanceled(t, "the inner Run", inner, cancelscope.ByTask)
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_14
	bubbletest.Run(t, "a failure inside is returned as an inner group", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("sleeper", sleeping(forever))
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("crasher", failing(time.Second, errBoom))
				return deadline.Sleep(ctx, forever)
			})
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		checkShape(t, "the outer Run", err, "[body=[crasher=boom]]")
	})
}

func TestBodyFailsWhileItIsCanceledForATask(t *testing.T) {
	// run runs a nursery whose task fails with one error, to which the body answers
	// with another.
	run := func(ctx context.Context, task, body error) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("crasher", failing(time.Second, task))
			<-ctx.Done() // and the failure has been recorded
			return body
		})
	}

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_19
	bubbletest.Run(t, "both errors are returned", func(t *testing.T) {
		err := run(t.Context(), errBoom, errBang)
		checkShape(t, "Run", err, "[crasher=boom body=bang]")
		if got := leaves(err); !slices.Equal(got, []error{errBoom, errBang}) {
			t.Errorf("errors of Run = %v, want the very %v", got, []error{errBoom, errBang})
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_20a
	bubbletest.Run(t, "whatever the type of the body's", func(t *testing.T) {
		err := run(t.Context(), errBoom, oddError{"odd"})
		checkShape(t, "Run", err, "[crasher=boom body=odd]")
		if odd := new(oddError); !errors.As(err, odd) || *odd != (oddError{"odd"}) {
			t.Errorf("errors.As in %v gives %v, want the body's error", err, *odd)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_21a
	bubbletest.Run(t, "whatever the type of the task's", func(t *testing.T) {
		err := run(t.Context(), oddError{"odd"}, errBang)
		checkShape(t, "Run", err, "[crasher=odd body=bang]")
		if odd := new(oddError); !errors.As(err, odd) || *odd != (oddError{"odd"}) {
			t.Errorf("errors.As in %v gives %v, want the task's error", err, *odd)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_context_manager_exit_raises
	bubbletest.Run(t, "clean-up of the body", func(t *testing.T) {
		ctx := t.Context()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
			defer func() { err = errBang }()
			n.GoNamed("crasher", failing(time.Second, errBoom))
			return deadline.Sleep(ctx, forever)
		})
		checkShape(t, "Run", err, "[crasher=boom body=bang]")
		if ctx.Err() != nil {
			t.Errorf("Err of the context around = %v, want nil", ctx.Err())
		}
	})
}
