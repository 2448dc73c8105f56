package nursery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A marker notes how far a function has come.
type marker struct{ entered, interrupted, passed bool }

// sleep is a task that notes what becomes of its sleep.
func (m *marker) sleep(ctx context.Context) error {
	m.entered = true
	if err := deadline.Sleep(ctx, forever); err != nil {
		m.interrupted = true
		return err
	}
	m.passed = true
	return nil
}

// checkInterrupted checks that the function was interrupted, and the code after its
// wait skipped.
func (m *marker) checkInterrupted(t *testing.T, name string) {
	t.Helper()
	if want := (marker{entered: true, interrupted: true}); *m != want {
		t.Errorf("%s: entered, interrupted, passed = %v, %v, %v; want true, true, false", name, m.entered, m.interrupted, m.passed)
	}
}

// checkCalm checks that nothing is pending in ctx.
func checkCalm(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	if err := context.Cause(ctx); err != nil {
		t.Errorf("cause of %s = %v, want none", name, err)
	}
}

func TestCancelReachesAllTasks(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_inheritance
	bubbletest.Run(t, "in nurseries of children", func(t *testing.T) {
		var leaves [3][3]marker
		start := time.Now()
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for i := range leaves {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						for j := range leaves[i] {
							n.Go(leaves[i][j].sleep)
						}
						return nil
					})
				})
			}
			synctest.Wait() // all leaves are asleep
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		bubbletest.CheckElapsed(t, "Run", start, 0)
		for i := range leaves {
			for j := range leaves[i] {
				leaves[i][j].checkInterrupted(t, "a leaf")
			}
		}
	})

	for _, test := range []struct {
		name       string
		body, task bool // of the nested nursery, that sleep
	}{
		// catalogue: anyio/test_taskgroups.py::test_cancel_propagation
		{"in a nested nursery without tasks", true, false},
		// catalogue: anyio/test_taskgroups.py::test_cancel_cascade
		{"in a nested nursery whose body has ended", false, true},
		// catalogue: anyio/test_taskgroups.py::test_cancel_propagation_with_inner_spawn
		{"in a nested nursery, body and task", true, true},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			var child, body, grandchild marker
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					child.entered = true
					err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						if test.task {
							n.Go(grandchild.sleep)
						}
						if test.body {
							return body.sleep(ctx)
						}
						return nil
					})
					if err != nil {
						bubbletest.CheckCanceled(t, "the nested Run", err, cancelscope.ByCall)
						child.interrupted = true
						return err
					}
					child.passed = true
					return nil
				})
				synctest.Wait() // body and task of the nested nursery are asleep
				n.Scope().Cancel(nil)
				return nil
			})
			checkShape(t, "Run", err, "nil")
			child.checkInterrupted(t, "the task with the nested nursery")
			if test.body {
				body.checkInterrupted(t, "the nested body")
			}
			if test.task {
				grandchild.checkInterrupted(t, "the task in the nested nursery")
			}
		})
	}
}

func TestCanceledNursery(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_level_cancellation
	// catalogue: anyio/test_taskgroups.py::test_cancel
	bubbletest.Run(t, "before its task has run", func(t *testing.T) {
		var child marker
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(child.sleep)
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		child.checkInterrupted(t, "the child")
	})

	// catalogue: anyio/test_taskgroups.py::test_escaping_cancelled_exception
	bubbletest.Run(t, "whose body returns the cancellation", func(t *testing.T) {
		var scope *cancelscope.Scope
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			scope = n.Scope()
			scope.Cancel(nil)
			return deadline.Sleep(ctx, 0)
		})
		checkShape(t, "Run", err, "nil")
		if !scope.CancelCalled() || !scope.CanceledCaught() {
			t.Errorf("CancelCalled, CanceledCaught = %v, %v, want true, true", scope.CancelCalled(), scope.CanceledCaught())
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_completed_task
	bubbletest.Run(t, "whose task does not wait", func(t *testing.T) {
		for _, settle := range []func(){synctest.Wait, func() {}} {
			ran := false
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error {
					ran = true
					return nil
				})
				settle() // once the task has ended before, once it may not have
				n.Scope().Cancel(nil)
				return nil
			})
			checkShape(t, "Run", err, "nil")
			if !ran {
				t.Error("the task did not run")
			}
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_twice
	bubbletest.Run(t, "one after the other, by their tasks", func(t *testing.T) {
		for range 2 {
			var body marker
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error {
					synctest.Wait() // the body is asleep
					n.Scope().Cancel(nil)
					return nil
				})
				return body.sleep(ctx)
			})
			checkShape(t, "Run", err, "nil")
			body.checkInterrupted(t, "the body")
			checkCalm(t, "the caller's context", t.Context())
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancelled_parent
	bubbletest.Run(t, "while a task is about to start another", func(t *testing.T) {
		var late marker
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				synctest.Wait() // the nursery has been canceled
				n.Go(func(ctx context.Context) error {
					var own cancelscope.Scope
					if err := own.Run(ctx, late.sleep); err != nil {
						return err
					}
					return errBoom
				})
				return nil
			})
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		late.checkInterrupted(t, "the late task")
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_native_future_tasks
	// catalogue: anyio/test_taskgroups.py::test_cancel_native_future_tasks_cancel_scope
	bubbletest.Run(t, "whose tasks wait for a channel", func(t *testing.T) {
		var direct, scoped marker
		waiting := func(m *marker) func(ctx context.Context) error {
			never := make(chan struct{})
			return func(ctx context.Context) error {
				m.entered = true
				select {
				case <-never:
					m.passed = true
					return nil
				case <-ctx.Done():
					m.interrupted = true
					return ctx.Err()
				}
			}
		}
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(waiting(&direct))
			n.Go(func(ctx context.Context) error {
				var own cancelscope.Scope
				return own.Run(ctx, waiting(&scoped))
			})
			synctest.Wait() // both wait
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		direct.checkInterrupted(t, "the task")
		scoped.checkInterrupted(t, "the task with a scope of its own")
	})
}

func TestCancelOneTask(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_cancel_scope_in_another_task
	bubbletest.Run(t, "from the body", func(t *testing.T) {
		var child marker
		after := false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			scope := make(chan *cancelscope.Scope)
			n.Go(func(ctx context.Context) error {
				var s cancelscope.Scope
				scope <- &s
				if err := s.Run(ctx, child.sleep); err != nil {
					return err
				}
				after = s.CanceledCaught()
				return nil
			})
			s := <-scope
			synctest.Wait() // the child is asleep
			s.Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "nil")
		child.checkInterrupted(t, "the block in the child")
		if !after {
			t.Error("the child did not continue after its scope, which caught the cancellation")
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_scope_in_child_task
	bubbletest.Run(t, "by its own scope", func(t *testing.T) {
		var child marker
		bodyWent := false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				var s cancelscope.Scope
				time.AfterFunc(time.Second, func() { s.Cancel(nil) })
				return s.Run(ctx, child.sleep)
			})
			if err := deadline.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			bodyWent = true
			checkCalm(t, "the nursery", ctx)
			if n.Scope().CancelCalled() {
				t.Error("CancelCalled() of the nursery's scope = true, want false")
			}
			return nil
		})
		checkShape(t, "Run", err, "nil")
		child.checkInterrupted(t, "the block in the child")
		if !bodyWent {
			t.Error("the body was cut short, want it to continue")
		}
	})
}

func TestNurseryIsNoCheckpoint(t *testing.T) {
	// catalogue: trio/test_run.py::test_trivial_yields
	// catalogue: anyio/test_taskgroups.py::test_cancel_before_entering_task_group
	bubbletest.Run(t, "in a canceled scope", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
			checkShape(t, "Run of an empty nursery", err, "nil")
			err = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { return nil })
				return nil
			})
			checkShape(t, "Run with a task that does not wait", err, "nil")
			err = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return errBoom })
			checkShape(t, "Run with a body that fails", err, "[body=boom]")
			return nil
		})
		checkShape(t, "s.Run", err, "nil")
		if s.CanceledCaught() {
			t.Error("CanceledCaught() = true, want false: no task waited")
		}
	})
}
