package nursery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestStartByACallerWhoIsCanceled(t *testing.T) {
	// start calls Start in a scope that is canceled after a second, while the nursery
	// is not.
	start := func(t *testing.T, task func(context.Context, func(int)) error) (v int, s *cancelscope.Scope, err error) {
		s = new(cancelscope.Scope)
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			time.AfterFunc(time.Second, func() { s.Cancel(errBang) })
			s.Run(ctx, func(ctx context.Context) error {
				v, err = nursery.Start(ctx, n, "", task)
				return err
			})
			if ctx.Err() != nil || n.Scope().CancelCalled() {
				t.Errorf("after Start by a canceled caller ctx.Err of the nursery = %v, CancelCalled %v, want nil, false", ctx.Err(), n.Scope().CancelCalled())
			}
		})
		return v, s, err
	}
	// late is a task that calls started when it has already been canceled.
	late := func(then func(ctx context.Context) error) func(context.Context, func(int)) error {
		return func(ctx context.Context, started func(int)) error {
			<-ctx.Done()
			started(5)
			return then(ctx)
		}
	}

	// catalogue: anyio/test_taskgroups.py::test_start_native_host_cancelled
	bubbletest.Run(t, "cancels the task that has not started", func(t *testing.T) {
		begin := time.Now()
		v, s, err := start(t, readyAfter(forever, 5, forever, nil))
		bubbletest.CheckElapsed(t, "Start", begin, time.Second)
		if c := bubbletest.CheckCanceled(t, "Start", err, cancelscope.ByCall); v != 0 || c.Reason() != errBang {
			t.Errorf("Start = %d, %v, want 0, a cancellation for the reason %v", v, err, errBang)
		}
		if !s.CanceledCaught() {
			t.Error("CanceledCaught of the caller's scope = false, want true")
		}
	})

	// catalogue: trio/test_run.py::test_nursery_start
	bubbletest.Run(t, "does not lose the task that waits after started", func(t *testing.T) {
		v, s, err := start(t, late(sleeping(forever)))
		bubbletest.CheckCanceled(t, "Start of a task that waits after started", err, cancelscope.ByCall)
		if v != 0 || !s.CanceledCaught() {
			t.Errorf("Start = %d, CanceledCaught %v, want 0, true", v, s.CanceledCaught())
		}
	})
	bubbletest.Run(t, "gives the value of a task that ends well after started", func(t *testing.T) {
		begin := time.Now()
		v, _, err := start(t, late(func(context.Context) error {
			time.Sleep(time.Second)
			return nil
		}))
		bubbletest.CheckElapsed(t, "Start of a task that needs a second after started", begin, 2*time.Second)
		if v != 5 || err != nil {
			t.Errorf("Start of a task that ends well after started = %d, %v, want 5, nil", v, err)
		}
	})
	bubbletest.Run(t, "gives the error of a task that fails after started", func(t *testing.T) {
		v, _, err := start(t, late(func(context.Context) error { return errBoom }))
		if v != 0 || err != errBoom {
			t.Errorf("Start of a task that fails after started = %d, %v, want 0, the very %v", v, err, errBoom)
		}
	})
	bubbletest.Run(t, "after started means nothing to the task", func(t *testing.T) {
		begin := time.Now()
		ended := time.Duration(0)
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			var s cancelscope.Scope
			err := s.Run(ctx, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					started(1)
					err := deadline.Sleep(ctx, time.Minute)
					ended = time.Since(begin)
					return err
				})
				s.Cancel(nil)
				return err
			})
			if err != nil {
				t.Errorf("Scope.Run around Start = %v, want nil", err)
			}
		})
		if ended != time.Minute {
			t.Errorf("the task ended after %v, want 1m: it is the nursery's", ended)
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_start_cancels_parent_scope
	bubbletest.Run(t, "beforehand still begins the task", func(t *testing.T) {
		began, passed := false, false
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			var s cancelscope.Scope
			err := s.Run(ctx, func(ctx context.Context) error {
				s.Cancel(nil)
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					began = true
					if err := deadline.Sleep(ctx, 0); err != nil {
						return err
					}
					passed = true
					return nil
				})
				return err
			})
			if err != nil || !s.CanceledCaught() || n.Scope().CancelCalled() || ctx.Err() != nil {
				t.Errorf("canceled scope around Start = %v, CanceledCaught %v, the nursery's CancelCalled %v, ctx.Err %v, want nil, true, false, nil",
					err, s.CanceledCaught(), n.Scope().CancelCalled(), ctx.Err())
			}
		})
		if !began || passed {
			t.Errorf("the task began: %v, passed its first wait: %v, want true, false", began, passed)
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_start_cancel_after_error
	bubbletest.Run(t, "by a failure in an inner nursery", func(t *testing.T) {
		begin := time.Now()
		began, passed := false, false
		var seen error
		err := nursery.Run(t.Context(), func(_ context.Context, outer *nursery.Nursery) error {
			outer.GoNamed("middle", func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
					inner.GoNamed("crasher", failing(time.Second, errBoom))
					_, err := nursery.Start(ctx, outer, "", func(ctx context.Context, started func(int)) error {
						began = true
						if seen = deadline.Sleep(ctx, forever); seen != nil {
							return seen
						}
						passed = true
						return nil
					})
					return err
				})
			})
			return nil
		})
		bubbletest.CheckElapsed(t, "Run", begin, time.Second)
		checkShape(t, "the outer Run", err, "[middle=[crasher=boom]]")
		bubbletest.CheckCanceled(t, "Sleep in the starting task", seen, cancelscope.ByTask)
		if !began || passed {
			t.Errorf("the task began: %v, passed its wait: %v, want true, false", began, passed)
		}
	})
}

func TestStartIntoACanceledNursery(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_start_with_cancelled_nursery
	// start starts, from outside the nursery, a task with two children of its own that
	// sleep, and cancels the nursery just before or after started.
	start := func(t *testing.T, before bool) {
		begin := time.Now()
		interrupted, done := 0, 0
		err := nursery.Run(t.Context(), func(ctx context.Context, outer *nursery.Nursery) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				v, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
						children := make(chan context.Context, 2)
						ended := make(chan error, 2)
						for range 2 {
							inner.Go(func(ctx context.Context) error {
								children <- ctx
								err := deadline.Sleep(ctx, forever)
								ended <- err
								return err
							})
						}
						for range 2 {
							ctx := <-children
							if before {
								n.Scope().Cancel(nil)
							}
							if ctx.Err() != nil {
								t.Errorf("ctx.Err in a grandchild before started = %v, want nil", ctx.Err())
							}
							defer func() {
								if ctx.Err() != nil {
									done++
								}
							}()
						}
						started(3)
						if !before {
							n.Scope().Cancel(nil)
						}
						for range 2 {
							if err := <-ended; err != nil {
								interrupted++
							}
						}
						return nil
					})
				})
				if v != 3 || err != nil {
					t.Errorf("Start = %d, %v, want 3, nil", v, err)
				}
				return nil
			})
		})
		bubbletest.CheckElapsed(t, "Run", begin, 0)
		if err != nil || interrupted != 2 || done != 2 {
			t.Errorf("Run = %v, %d grandchildren interrupted, %d canceled, want nil, 2, 2", err, interrupted, done)
		}
	}
	bubbletest.Run(t, "canceled before started", func(t *testing.T) { start(t, true) })
	bubbletest.Run(t, "canceled after started", func(t *testing.T) { start(t, false) })

	// catalogue: anyio/test_taskgroups.py::test_no_called_started_twice
	bubbletest.Run(t, "of a task that only calls started", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			n.Scope().Cancel(nil)
			v, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
				started(4)
				return nil
			})
			if v != 4 || err != nil {
				t.Errorf("Start = %d, %v, want 4, nil", v, err)
			}
		})
	})

	// catalogue: anyio/test_taskgroups.py::test_start_cancelled
	bubbletest.Run(t, "still begins the task", func(t *testing.T) {
		began, passed := false, false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().Cancel(nil)
			_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				began = true
				if err := deadline.Sleep(ctx, time.Second); err != nil {
					return err
				}
				passed = true
				return nil
			})
			bubbletest.CheckCanceled(t, "Start", err, cancelscope.ByCall)
			return err
		})
		if err != nil || !began || passed {
			t.Errorf("Run = %v, the task began: %v, passed its first wait: %v, want nil, true, false", err, began, passed)
		}
	})
}

func TestStartTask(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_start_return_handle_success
	bubbletest.Run(t, "gives the value of started and the result", func(t *testing.T) {
		begin := time.Now()
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, task, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (string, error) {
				if err := deadline.Sleep(ctx, time.Second); err != nil {
					return "", err
				}
				started(3)
				return giving(time.Second, "nine")(ctx)
			})
			bubbletest.CheckElapsed(t, "StartTask", begin, time.Second)
			if v != 3 || err != nil {
				t.Fatalf("StartTask = %d, %v, want 3, nil", v, err)
			}
			if _, err := task.Result(); err != nursery.ErrNotFinished {
				t.Errorf("Result of a task that runs = %v, want %v", err, nursery.ErrNotFinished)
			}
			if w, err := task.Wait(ctx); w != "nine" || err != nil {
				t.Errorf("Wait = %q, %v, want nine, nil", w, err)
			}
		})
		bubbletest.CheckElapsed(t, "Run", begin, 2*time.Second)
	})

	// catalogue: anyio/test_taskgroups.py::test_start_return_handle_cancel
	bubbletest.Run(t, "gives a handle that cancels", func(t *testing.T) {
		begin := time.Now()
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, task, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
				started(3)
				return 9, deadline.Sleep(ctx, forever)
			})
			if err != nil {
				t.Fatalf("StartTask = %v, want nil", err)
			}
			task.Cancel(errBang)
			<-task.Done()
			if v != 3 || ctx.Err() != nil {
				t.Errorf("StartTask = %d, ctx.Err after Task.Cancel %v, want 3, nil", v, ctx.Err())
			}
			w, err := task.Result()
			if c := bubbletest.CheckCanceled(t, "Result of the canceled task", err, cancelscope.ByCall); w != 0 || c.Reason() != errBang {
				t.Errorf("Result of the canceled task = %d, %v, want 0, the reason %v", w, err, errBang)
			}
		})
		bubbletest.CheckElapsed(t, "Run", begin, 0)
	})

	// catalogue: anyio/test_taskgroups.py::test_start_sync_wrapper
	bubbletest.Run(t, "of a task that is ready before its first wait", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, task, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
				started(5)
				return giving(time.Second, 8)(ctx)
			})
			if v != 5 || err != nil {
				t.Fatalf("StartTask = %d, %v, want 5, nil", v, err)
			}
			if w, err := task.Wait(ctx); w != 8 || err != nil {
				t.Errorf("Wait = %d, %v, want 8, nil", w, err)
			}
		})
	})

	bubbletest.Run(t, "of a task that ends early", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			for _, want := range []error{nursery.ErrNotStarted, errBoom} {
				v, task, err := nursery.StartTask(ctx, n, "", func(context.Context, func(int)) (int, error) {
					if want == nursery.ErrNotStarted {
						return 9, nil
					}
					return 9, want
				})
				if v != 0 || task != nil || !errors.Is(err, want) {
					t.Errorf("StartTask of a task that ends early = %d, %v, %v, want 0, nil, %v", v, task, err, want)
				}
			}
		})
	})

	bubbletest.Run(t, "of a task that ends well under a canceled caller", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			n.Scope().Cancel(nil)
			v, task, err := nursery.StartTask(ctx, n, "", func(_ context.Context, started func(int)) (int, error) {
				started(5)
				return 8, nil
			})
			if v != 5 || err != nil {
				t.Fatalf("StartTask = %d, %v, want 5, nil", v, err)
			}
			checkResult(t, "the task, which has ended", task, 8)
		})
	})

	bubbletest.Run(t, "of a task that fails after started", func(t *testing.T) {
		var task *nursery.Task[int]
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) (err error) {
			_, task, err = nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
				started(1)
				return 9, failing(time.Second, errBoom)(ctx)
			})
			synctest.Wait() // the task sleeps
			return err
		})
		var failed *nursery.TaskError
		if !errors.As(err, &failed) || failed.Err != errBoom || failed.Task != task.Name() {
			t.Errorf("Run with a task that fails after started = %v, want %v of %s", err, errBoom, task.Name())
		}
		if v, err := task.Result(); v != 0 || err != errBoom {
			t.Errorf("Result of that task = %d, %v, want 0, the very %v", v, err, errBoom)
		}
	})
}
