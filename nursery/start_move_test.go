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

// At started a task changes its surroundings. Here is what it sees of the old ones and
// of the new ones, before and after.
func TestStartMovesTheTask(t *testing.T) {
	// A caller, in a context of the standard library or in a scope, with its cancel.
	callers := map[string]func(ctx context.Context, call func(ctx context.Context, cancel func()) error) error{
		"a context": func(ctx context.Context, call func(ctx context.Context, cancel func()) error) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return call(ctx, cancel)
		},
		"a scope": func(ctx context.Context, call func(ctx context.Context, cancel func()) error) error {
			var s cancelscope.Scope
			return s.Run(ctx, func(ctx context.Context) error {
				return call(ctx, func() { s.Cancel(nil) })
			})
		},
		"a context in a scope": func(ctx context.Context, call func(ctx context.Context, cancel func()) error) error {
			var s cancelscope.Scope
			return s.Run(ctx, func(ctx context.Context) error {
				ctx, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
				defer cancel()
				return call(ctx, func() { s.Cancel(nil) })
			})
		},
	}
	for name, caller := range callers {
		bubbletest.Run(t, "away from "+name, func(t *testing.T) {
			start := time.Now()
			runBody(t, func(ctx context.Context, n *nursery.Nursery) {
				var task *nursery.Task[int]
				err := caller(ctx, func(ctx context.Context, cancel func()) (err error) {
					_, task, err = nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
						ctx, stop := context.WithCancel(ctx) // what hangs below moves as well
						defer stop()
						started(1)
						return 7, deadline.Sleep(ctx, time.Minute)
					})
					cancel()
					return err
				})
				if err != nil {
					t.Errorf("Start by a caller in %s = %v, want nil", name, err)
				}
				if v, err := task.Wait(ctx); v != 7 || err != nil {
					t.Errorf("Wait for a task whose caller was canceled after started = %d, %v, want 7, nil", v, err)
				}
			})
			bubbletest.CheckElapsed(t, "Run", start, time.Minute)
		})

		bubbletest.Run(t, "from "+name+" into the nursery", func(t *testing.T) {
			start := time.Now()
			err := nursery.Run(t.Context(), func(outer context.Context, _ *nursery.Nursery) error {
				return nursery.Run(outer, func(_ context.Context, n *nursery.Nursery) error {
					var seen error
					err := caller(outer, func(ctx context.Context, cancel func()) (err error) {
						var task *nursery.Task[int]
						_, task, err = nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
							ctx, stop := context.WithCancel(ctx)
							defer stop()
							started(1)
							<-ctx.Done()
							seen = context.Cause(ctx)
							return 7, seen
						})
						if err != nil {
							return err
						}
						time.Sleep(time.Second)
						n.Scope().Cancel(errBoom)
						<-task.Done()
						return ctx.Err()
					})
					if c := bubbletest.CheckCanceled(t, "Cause in a task after started", seen, cancelscope.ByCall); c.Reason() != errBoom {
						t.Errorf("Cause in a task after started = %v, want the nursery's, for the reason %v", c, errBoom)
					}
					return err
				})
			})
			bubbletest.CheckElapsed(t, "Run", start, time.Second)
			if err != nil {
				t.Errorf("Run with a task that ends with its nursery = %v, want nil", err)
			}
		})
	}

	bubbletest.Run(t, "away from the caller's deadline", func(t *testing.T) {
		start := time.Now()
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			expired, err := deadline.MoveOnAfter(ctx, time.Minute, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					if _, ok := ctx.Deadline(); ok {
						t.Error("Deadline before started returns one, want none: it would be wrong after")
					}
					if at, ok := deadline.Effective(ctx); !ok || at != start.Add(time.Minute) {
						t.Errorf("Effective before started = %v, %v, want the caller's deadline", at, ok)
					}
					started(1)
					if at, ok := deadline.Effective(ctx); ok {
						t.Errorf("Effective after started = %v, want none", at)
					}
					return deadline.Sleep(ctx, time.Hour)
				})
				return err
			})
			if expired || err != nil {
				t.Errorf("MoveOnAfter around Start = %v, %v, want false, nil", expired, err)
			}
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Hour)
	})

	bubbletest.Run(t, "under the nursery's deadline", func(t *testing.T) {
		start := time.Now()
		var seen error
		err := nursery.Run(t.Context(), func(outer context.Context, _ *nursery.Nursery) error {
			return nursery.Run(outer, func(_ context.Context, n *nursery.Nursery) error {
				n.Scope().SetTimeout(time.Minute)
				_, err := nursery.Start(outer, n, "", func(ctx context.Context, started func(int)) error {
					done := ctx.Done() // asked for before the move
					if err := deadline.Sleep(ctx, time.Second); err != nil {
						return err
					}
					started(1)
					<-done
					seen = context.Cause(ctx)
					return seen
				})
				return err
			})
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)
		bubbletest.CheckCanceled(t, "Cause in the task", seen, cancelscope.ByDeadline)
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})

	bubbletest.Run(t, "under the nursery's deadline, also without a timer", func(t *testing.T) {
		var before, after error
		err := nursery.Run(t.Context(), func(outer context.Context, _ *nursery.Nursery) error {
			limited := nursery.Config{Timeout: time.Minute}
			return limited.Run(outer, func(_ context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(outer, n, "", func(ctx context.Context, started func(int)) error {
					started(1)
					// No code asks for Done, so only the clock shows the deadline.
					before = ctx.Err()
					time.Sleep(time.Hour)
					after = ctx.Err()
					return after
				})
				return err
			})
		})
		if before != nil || after != context.DeadlineExceeded || err != nil {
			t.Errorf("Err in the task before and after the nursery's deadline = %v, %v, Run = %v, want nil, %v, nil",
				before, after, err, context.DeadlineExceeded)
		}
	})

	bubbletest.Run(t, "but not away from the caller's values", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			_, err := nursery.Start(context.WithValue(ctx, key{}, "caller"), n, "", func(ctx context.Context, started func(int)) error {
				started(1)
				if got := ctx.Value(key{}); got != "caller" {
					t.Errorf("Value after started = %v, want the caller's", got)
				}
				return nil
			})
			if err != nil {
				t.Errorf("Start = %v, want nil", err)
			}
		})
	})
}

func TestStartDoesNotMoveWhatIsCanceled(t *testing.T) {
	// No code has looked at the caller's context when started is called.
	bubbletest.Run(t, "by the cancel of the caller's context", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			v, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
				cancel()
				started(1)
				return errBoom
			})
			if v != 0 || err != errBoom {
				t.Errorf("Start of a task that fails after cancel and started = %d, %v, want 0, the very %v", v, err, errBoom)
			}
		})
	})
	bubbletest.Run(t, "by the caller's deadline", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			expired, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
					time.Sleep(time.Second)
					started(1)
					return errBoom
				})
				return err
			})
			if expired || err != errBoom {
				t.Errorf("MoveOnAfter around Start of a task that is ready too late and fails = %v, %v, want false, the very %v", expired, err, errBoom)
			}
		})
	})
}

// key is the key of a value in a context.
type key struct{}

func TestStartedTaskFailsInTheNursery(t *testing.T) {
	bubbletest.Run(t, "also if started from elsewhere", func(t *testing.T) {
		var callerErr, started error
		var caller *nursery.Nursery
		opened := make(chan *nursery.Nursery)
		err := nursery.Run(t.Context(), func(_ context.Context, outer *nursery.Nursery) error {
			outer.GoNamed("target", func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					opened <- n
					return deadline.Sleep(ctx, forever)
				})
			})
			outer.GoNamed("caller", func(ctx context.Context) error {
				callerErr = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					caller = n
					_, started = nursery.Start(ctx, <-opened, "server", readyAfter(time.Second, 1, time.Second, errBoom))
					return started
				})
				return callerErr
			})
			return nil
		})
		checkShape(t, "Run", err, "[target=[server=boom]]")
		if callerErr != nil || started != nil || caller.Scope().CancelCalled() {
			t.Errorf("the caller's Run = %v, Start = %v, CancelCalled of the caller's scope %v, want nil, nil, false", callerErr, started, caller.Scope().CancelCalled())
		}
	})
}

func TestStartedByAnotherGoroutine(t *testing.T) {
	bubbletest.Run(t, "of the task", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			start := time.Now()
			v, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(string)) error {
				return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
					inner.Go(func(ctx context.Context) error {
						err := deadline.Sleep(ctx, time.Second)
						started("ready")
						return err
					})
					return deadline.Sleep(ctx, time.Minute)
				})
			})
			bubbletest.CheckElapsed(t, "Start", start, time.Second)
			if v != "ready" || err != nil {
				t.Errorf("Start = %q, %v, want ready, nil", v, err)
			}
		})
	})
}

func TestStartsPendingAtTheSameTime(t *testing.T) {
	bubbletest.Run(t, "end one by one", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			return nursery.Run(ctx, func(ctx context.Context, callers *nursery.Nursery) error {
				for i := range 3 {
					callers.Go(func(ctx context.Context) error {
						want := []error{nil, errBoom, nursery.ErrNotStarted}[i]
						_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
							if err := deadline.Sleep(ctx, time.Duration(i+1)*time.Second); err != nil {
								return err
							}
							switch {
							case want == nil:
								started(i)
								return deadline.Sleep(ctx, time.Minute)
							case errors.Is(want, errBoom):
								return want
							}
							return nil
						})
						if !errors.Is(err, want) {
							t.Errorf("Start %d = %v, want %v", i, err, want)
						}
						return nil
					})
				}
				synctest.Wait() // all three are pending
				if got := n.Running(); got != 3 {
					t.Errorf("Running with three pending starts = %d, want 3", got)
				}
				return nil
			})
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second+time.Minute)
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}
