package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// untilCanceled waits for the end of its context and says when that was.
func untilCanceled(at *time.Duration) func(context.Context) error {
	start := time.Now()
	return func(ctx context.Context) error {
		<-ctx.Done()
		*at = time.Since(start)
		return ctx.Err()
	}
}

// A background task is canceled when the body and all ordinary tasks have ended, and not
// earlier, however they end.
func TestBackgroundOutlivesTheOthers(t *testing.T) {
	for _, test := range []struct {
		name string
		body func(ctx context.Context, cancel context.CancelFunc, n *nursery.Nursery) error
		want time.Duration
		end  string
	}{
		{"success", func(ctx context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.Go(sleeping(2 * time.Second))
			return deadline.Sleep(ctx, time.Second)
		}, 2 * time.Second, "nil"},
		{"the body is last", func(ctx context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.Go(sleeping(2 * time.Second))
			return deadline.Sleep(ctx, 3*time.Second)
		}, 3 * time.Second, "nil"},
		{"nothing else", func(context.Context, context.CancelFunc, *nursery.Nursery) error { return nil }, 0, "nil"},
		{"failure", func(_ context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.GoNamed("fails", failing(time.Second, errBoom))
			n.GoNamed("cleans up", func(ctx context.Context) error {
				<-ctx.Done()
				bubbletest.Linger(time.Second)
				return nil
			})
			return nil
		}, 2 * time.Second, "[fails=boom]"},
		{"panic", func(_ context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return afterASecond(ctx, panicking) })
			return nil
		}, time.Second, "panic: panic(bad)"},
		{"Goexit", func(_ context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return afterASecond(ctx, exiting) })
			return nil
		}, time.Second, "Goexit"},
		{"cancel from outside", func(ctx context.Context, cancel context.CancelFunc, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				bubbletest.Linger(time.Second)
				return nil
			})
			cancel()
			return nil
		}, time.Second, "nil"},
		{"cancel of the scope", func(ctx context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			n.Scope().Cancel(nil)
			bubbletest.Linger(time.Second)
			return ctx.Err()
		}, time.Second, "nil"},
		{"a pending Start", func(ctx context.Context, _ context.CancelFunc, n *nursery.Nursery) error {
			go nursery.Start(t.Context(), n, "", func(ctx context.Context, started func(int)) error {
				bubbletest.Linger(time.Second)
				return errBoom
			})
			synctest.Wait() // Start waits
			return nil
		}, time.Second, "nil"},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			var first, second time.Duration
			o := outcomeOf(func() error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Background("first", untilCanceled(&first))
					n.Background("second", untilCanceled(&second))
					synctest.Wait() // they wait
					return test.body(ctx, cancel, n)
				})
			})
			if first != test.want || second != test.want {
				t.Errorf("the background tasks were canceled after %v and %v, want %v", first, second, test.want)
			}
			if got := o.String(); got != test.end {
				t.Errorf("Run: %s, want %s", got, test.end)
			}
		})
	}
}

func TestBackgroundIsShielded(t *testing.T) {
	bubbletest.Run(t, "from deadlines and cancellations, with the values", func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "value")
		expired, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				inside := make(chan context.Context, 1)
				n.Background("", func(ctx context.Context) error {
					inside <- ctx
					<-ctx.Done()
					return ctx.Err()
				})
				background := <-inside
				if _, ok := background.Deadline(); ok || background.Value(key{}) != "value" {
					t.Errorf("a background task has a deadline: %v, the value %v; want none, value", ok, background.Value(key{}))
				}
				<-ctx.Done()
				if background.Err() != nil {
					t.Errorf("Err in a background task after the deadline of its surroundings = %v, want nil", background.Err())
				}
				return ctx.Err()
			})
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %v, %v, want true, nil", expired, err)
		}
	})
}

func TestBackgroundThatFails(t *testing.T) {
	bubbletest.Run(t, "cancels the nursery", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("heartbeat", failing(time.Second, errBoom))
			return deadline.Sleep(ctx, forever)
		})
		bubbletest.CheckElapsed(t, "Run with a background task that fails", start, time.Second)
		checkShape(t, "Run", err, "[heartbeat=boom]")
	})
	bubbletest.Run(t, "with a context error that is none of its own", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().Cancel(nil)
			task := n.Background("heartbeat", with(context.Canceled))
			<-task.Done()
			return nil
		})
		checkShape(t, "Run", err, "[heartbeat=context canceled]")
	})
	bubbletest.Run(t, "while it is being ended", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("", stubborn(errBoom))
			n.Background("", sleeping(forever))
			return nil
		})
		if nursery.First(err) != errBoom {
			t.Errorf("Run = %v, want boom", err)
		}
	})
}

func TestBackgroundHandle(t *testing.T) {
	bubbletest.Run(t, "cancels one task alone", func(t *testing.T) {
		var other time.Duration
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("", untilCanceled(&other))
			task := n.Background("beat", sleeping(forever))
			if got := n.Running(); got != 2 {
				t.Errorf("Running() = %d, want 2", got)
			}
			bubbletest.Linger(time.Second)
			task.Cancel(errBang)
			_, err := task.Wait(ctx)
			bubbletest.CheckCanceled(t, "Wait", err, cancelscope.ByCall)
			if got := n.Running(); got != 1 || task.Name() != "beat" {
				t.Errorf("Running() = %d, Name() = %q, want 1, beat", got, task.Name())
			}
			bubbletest.Linger(time.Second)
			return nil
		})
		if err != nil || other != 2*time.Second {
			t.Errorf("Run = %v, the other task was canceled after %v, want nil, 2s", err, other)
		}
	})
}

// What a background task starts is an ordinary task, also when the background tasks have
// been canceled.
func TestBackgroundTasksStartTasks(t *testing.T) {
	bubbletest.Run(t, "ordinary ones", func(t *testing.T) {
		var canceled time.Duration
		var mu sync.Mutex
		var order []string // guarded by mu
		ran := func(what string) {
			mu.Lock()
			order = append(order, what)
			mu.Unlock()
		}
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("", untilCanceled(&canceled))
			n.Background("", func(ctx context.Context) error {
				n.Go(sleeping(time.Second)) // the background tasks wait for it
				<-ctx.Done()
				n.Go(func(ctx context.Context) error {
					ran("late")
					return deadline.Sleep(ctx, time.Second)
				})
				n.Background("", func(ctx context.Context) error {
					ran(fmt.Sprint("background ", ctx.Err()))
					return nil
				})
				return nil
			})
			synctest.Wait() // all have begun
			return nil
		})
		slices.Sort(order)
		if err != nil || canceled != time.Second || !slices.Equal(order, []string{"background context canceled", "late"}) {
			t.Errorf("Run = %v, canceled after %v, order %v; want nil, 1s, both late tasks", err, canceled, order)
		}
	})
}

func TestStartBackground(t *testing.T) {
	bubbletest.Run(t, "belongs to the caller until started", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			start := time.Now()
			err := deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := nursery.StartBackground(ctx, n, "", func(ctx context.Context, started func(int)) error {
					return deadline.Sleep(ctx, forever)
				})
				return err
			})
			bubbletest.CheckElapsed(t, "StartBackground under a limit", start, time.Second)
			var slow *deadline.TooSlowError
			if !errors.As(err, &slow) {
				t.Errorf("StartBackground under a limit = %v, want a TooSlowError", err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	bubbletest.Run(t, "is background afterwards", func(t *testing.T) {
		var canceled time.Duration
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			addr, err := nursery.StartBackground(ctx, n, "metrics", func(ctx context.Context, started func(string)) error {
				started("addr")
				return untilCanceled(&canceled)(ctx)
			})
			if addr != "addr" || err != nil {
				t.Errorf("StartBackground = %q, %v, want addr, nil", addr, err)
			}
			if got := n.Running(); got != 1 {
				t.Errorf("Running() = %d, want 1", got)
			}
			n.Scope().Cancel(nil)
			bubbletest.Linger(time.Second)
			return nil
		})
		if err != nil || canceled != time.Second {
			t.Errorf("Run = %v, the task was canceled after %v, want nil, 1s", err, canceled)
		}
	})
	bubbletest.Run(t, "does not move when the caller is canceled", func(t *testing.T) {
		var s cancelscope.Scope
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			return s.Run(ctx, func(ctx context.Context) error {
				_, err := nursery.StartBackground(ctx, n, "", func(ctx context.Context, started func(int)) error {
					s.Cancel(nil)
					started(1)
					return ctx.Err()
				})
				if got := n.Running(); got != 0 {
					t.Errorf("Running() = %d, want 0", got)
				}
				return err
			})
		})
		if err != nil || !s.CanceledCaught() {
			t.Errorf("Run = %v, CanceledCaught %v, want nil, true", err, s.CanceledCaught())
		}
	})
	bubbletest.Run(t, "misuse", func(t *testing.T) {
		var closed *nursery.Nursery
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			closed = n
			bubbletest.CheckPanics(t, "Background(nil)", "nursery: Background with a nil function: ", func() { n.Background("", nil) })
			bubbletest.CheckPanics(t, "Task(nil)", "nursery: Task with a nil function: ", func() { n.Task("", nil) })
			bubbletest.CheckPanics(t, "StartBackground(nil)", "nursery: StartBackground with a nil function: ", func() {
				nursery.StartBackground[int](ctx, n, "", nil)
			})
			return nil
		})
		bubbletest.CheckPanics(t, "Background", "nursery: Background in a nursery that has closed: ", func() { closed.Background("", sleeping(0)) })
		bubbletest.CheckPanics(t, "Task", "nursery: Task in a nursery that has closed: ", func() { closed.Task("", sleeping(0)) })
		if _, err := nursery.StartBackground(t.Context(), closed, "", func(context.Context, func(int)) error { return nil }); err != nursery.ErrClosed {
			t.Errorf("StartBackground in a closed nursery = %v, want ErrClosed", err)
		}
	})
}

// Background tasks that are started, end and are canceled at the same time as the last
// ordinary task ends are all ended.
func TestStressBackground(t *testing.T) {
	for range 300 {
		canceled := make(chan struct{}, 100)
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			wait := func(ctx context.Context) error {
				<-ctx.Done()
				canceled <- struct{}{}
				return ctx.Err()
			}
			for i := range 3 {
				n.Go(func(context.Context) error {
					n.Background("", wait)
					if i == 1 {
						n.Background("", func(context.Context) error {
							n.Background("", wait)
							return nil
						})
					}
					return nil
				})
			}
			n.Background("", wait)
			return nil
		})
		if err != nil || len(canceled) != 5 {
			t.Fatalf("Run = %v, %d tasks were canceled, want nil, 5", err, len(canceled))
		}
	}
}
