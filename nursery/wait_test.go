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

// A result is not lost because the end of the task cancels the goroutine that waits for
// it.
func TestWaitDoesNotLoseTheResult(t *testing.T) {
	t.Run("the waiter is canceled because the task has ended", func(t *testing.T) {
		lost := 0
		for range 1000 {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
					task := nursery.Spawn(n, "", func(context.Context) (int, error) { return 7, nil })
					n.Go(func(context.Context) error {
						<-task.Done()
						s.Cancel(nil)
						return nil
					})
					if v, err := task.Wait(ctx); v != 7 || err != nil {
						lost++
					}
					return nil
				})
			})
			if err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
		}
		if lost > 0 {
			t.Errorf("the result was lost in %d of 1000 rounds", lost)
		}
	})
	t.Run("the task fails and so cancels the waiter", func(t *testing.T) {
		for range 1000 {
			var got error
			nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				task := nursery.Spawn(n, "", func(context.Context) (int, error) { return 0, errBoom })
				_, got = task.Wait(ctx)
				return nil
			})
			if got != errBoom {
				t.Fatalf("Wait = %v, want the error of the task", got)
			}
		}
	})
	bubbletest.Run(t, "the waiter was canceled before the task ended", func(t *testing.T) {
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", func(context.Context) (int, error) { time.Sleep(time.Hour); return 7, nil })
			start := time.Now()
			_, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				v, err := task.Wait(ctx)
				if v != 0 || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Wait = %v, %v, want 0 and the cancellation", v, err)
				}
				return err
			})
			bubbletest.CheckElapsed(t, "Wait under a limit", start, time.Second)
			return err
		})
	})
}

func TestJoin(t *testing.T) {
	bubbletest.Run(t, "waits although the caller is canceled", func(t *testing.T) {
		start := time.Now()
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "", func(context.Context) (int, error) { time.Sleep(time.Second); return 7, nil })
			n.Scope().Cancel(nil)
			if v, err := task.Join(); v != 7 || err != nil {
				t.Errorf("Join = %v, %v, want 7, nil", v, err)
			}
			if v, err := task.Join(); v != 7 || err != nil {
				t.Errorf("second Join = %v, %v, want 7, nil", v, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
	})
}

// A task that returns nil before started, because its caller was canceled, ends Start
// with the cancellation.
func TestStartEndedByACancellation(t *testing.T) {
	wait := func(ctx context.Context, started func(int)) error { <-ctx.Done(); return nil }
	for name, start := range map[string]func(ctx context.Context, n *nursery.Nursery) error{
		"Start": func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", wait)
			return err
		},
		"StartBackground": func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.StartBackground(ctx, n, "", wait)
			return err
		},
		"StartTask": func(ctx context.Context, n *nursery.Nursery) error {
			_, task, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
				return 7, wait(ctx, started)
			})
			if task != nil {
				t.Errorf("StartTask of a task that has not started: a handle, want none")
			}
			return err
		},
	} {
		bubbletest.Run(t, name+", the caller is canceled by its nursery", func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error {
					synctest.Wait() // Start waits
					n.Scope().Cancel(nil)
					return nil
				})
				err := start(ctx, n)
				if !cancelscope.IsCancellation(ctx, err) {
					t.Errorf("%s = %v, want the cancellation", name, err)
				}
				return err
			})
			if err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
		bubbletest.Run(t, name+", the caller is canceled from outside", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return start(ctx, n) })
			if !errors.Is(err, context.DeadlineExceeded) || !cancelscope.IsCancellation(ctx, err) {
				t.Errorf("Run = %v, want the cancellation from outside", err)
			}
		})
		bubbletest.Run(t, name+", nothing is canceled", func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "", func(context.Context, func(int)) error { return nil })
				return err
			})
			if !errors.Is(nursery.First(err), nursery.ErrNotStarted) {
				t.Errorf("Run = %v, want ErrNotStarted", err)
			}
		})
	}
}
