package nursery_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A nursery has no limit of its own: the package comment says what bounds how many tasks
// work at a time, a semaphore, and what that lacks. These tests hold it to what Trio asks
// of its CapacityLimiter, and to what the package documentation says of semaphores.

// acquiring is a task that acquires a token, calls got, and releases it after d.
func acquiring(sem *semaphore.Weighted, d time.Duration, got func()) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := sem.Acquire(ctx, 1); err != nil {
			return err
		}
		defer sem.Release(1)
		got()
		return deadline.Sleep(ctx, d)
	}
}

// checkTry checks whether there is a token for a task that does not wait, and gives
// it back.
func checkTry(t *testing.T, when string, sem *semaphore.Weighted, want bool) {
	t.Helper()
	got := sem.TryAcquire(1)
	if got != want {
		t.Errorf("TryAcquire %s = %v, want %v", when, got, want)
	}
	if got {
		sem.Release(1)
	}
}

// A tally lists the tasks that have got a token.
type tally struct {
	mu  sync.Mutex
	all []int
}

// of returns the function that lists i.
func (y *tally) of(i int) func() {
	return func() {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.all = append(y.all, i)
	}
}

// check checks which tasks have got a token so far. Tasks that got one at the same time
// may have run in either order.
func (y *tally) check(t *testing.T, when string, want ...int) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	got := slices.Sorted(slices.Values(y.all))
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v have acquired a token, want %v", when, got, want)
	}
}

// catalogue: trio/test_sync.py::test_CapacityLimiter
func TestLimiter(t *testing.T) {
	bubbletest.CheckPanics(t, "NewWeighted(-1)", "semaphore: ", func() { semaphore.NewWeighted(-1) })
	bubbletest.CheckPanics(t, "Release of a token that no task holds", "semaphore: released more than held", func() {
		semaphore.NewWeighted(1).Release(1)
	})

	bubbletest.Run(t, "lets in as many as it has tokens", func(t *testing.T) {
		sem := semaphore.NewWeighted(2)
		for range 2 {
			if err := sem.Acquire(t.Context(), 1); err != nil {
				t.Errorf("Acquire with a token left = %v, want nil", err)
			}
		}
		checkTry(t, "with none left", sem, false)
		var got tally
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(acquiring(sem, time.Second, got.of(1)))
			synctest.Wait() // the task waits for a token
			got.check(t, "with none left")
			sem.Release(1) // by another one than the borrower of this token
			checkTry(t, "by a newcomer, right after a release for a task that waits", sem, false)
			synctest.Wait() // the task has it
			got.check(t, "after a release", 1)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		checkTry(t, "after the task has given it back", sem, true)
	})

	bubbletest.Run(t, "is a wait as any other", func(t *testing.T) {
		sem := semaphore.NewWeighted(1)
		for _, free := range []bool{true, false} {
			expired, err := deadline.MoveOnAfter(t.Context(), 0, func(ctx context.Context) error {
				err := sem.Acquire(ctx, 1)
				if err != ctx.Err() || err == nil {
					t.Errorf("Acquire at the deadline, with a token free: %v, = %v, want %v", free, err, ctx.Err())
				}
				return err
			})
			if !expired || err != nil {
				t.Errorf("MoveOnAfter around Acquire = %v, %v, want true, nil", expired, err)
			}
			sem.TryAcquire(1)
		}
	})
}

// What a CapacityLimiter does better.
func TestLimiterWithoutBorrowers(t *testing.T) {
	bubbletest.Run(t, "waits where it cannot help", func(t *testing.T) {
		sem := semaphore.NewWeighted(2)
		for _, c := range []struct {
			held, more int64
			what       string
		}{
			{0, 3, "more tokens than there are"},
			{2, 1, "a token by the task that holds all of them"},
		} {
			sem.TryAcquire(c.held)
			start := time.Now()
			expired, err := deadline.MoveOnAfter(t.Context(), time.Hour, func(ctx context.Context) error {
				return sem.Acquire(ctx, c.more)
			})
			if !expired || err != nil {
				t.Errorf("MoveOnAfter around Acquire of %s = %v, %v, want true, nil", c.what, expired, err)
			}
			bubbletest.CheckElapsed(t, "Acquire of "+c.what, start, time.Hour)
		}
	})
	sem := semaphore.NewWeighted(1)
	bubbletest.CheckPanics(t, "Release of a token that no task holds", "semaphore: released more than held", func() { sem.Release(1) })
	if !sem.TryAcquire(2) {
		t.Error("TryAcquire of 2 of 1 after a Release too many = false, want true")
	}
}

// catalogue: trio/test_sync.py::test_CapacityLimiter_inf
func TestLimiterWithoutLimit(t *testing.T) {
	sem := semaphore.NewWeighted(math.MaxInt64)
	for range 10_000 {
		if !sem.TryAcquire(1) {
			t.Fatal("TryAcquire = false, want true without a limit")
		}
	}
	sem.Release(10_000)
	bubbletest.CheckPanics(t, "Release of a token that no task holds", "semaphore: released more than held", func() { sem.Release(1) })
}

// catalogue: trio/test_sync.py::test_CapacityLimiter_change_total_tokens
func TestLimiterThatChanges(t *testing.T) {
	bubbletest.Run(t, "up and down", func(t *testing.T) {
		const most = 10
		sem := semaphore.NewWeighted(most)
		if !sem.TryAcquire(most - 2) { // a limit of 2
			t.Fatal("TryAcquire of a new semaphore = false, want true")
		}
		var got tally
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 6 {
				n.Go(acquiring(sem, time.Duration(i+1)*time.Minute, got.of(i)))
				synctest.Wait() // the task has a token, or waits
			}
			got.check(t, "with a limit of 2", 0, 1)

			sem.Release(2)
			checkTry(t, "right after the limit was raised for two that wait", sem, false)
			synctest.Wait() // they have the tokens
			got.check(t, "with a limit of 4", 0, 1, 2, 3)

			lowered := nursery.Spawn(n, "", func(ctx context.Context) (time.Time, error) {
				err := sem.Acquire(ctx, 3) // a limit of 1
				return time.Now(), err
			})
			synctest.Wait() // the lowering waits
			late := nursery.Spawn(n, "", func(ctx context.Context) (time.Time, error) {
				err := acquiring(sem, 0, got.of(6))(ctx)
				return time.Now(), err
			})
			synctest.Wait() // no task has lost a token, and none has got one
			got.check(t, "with a limit that is being lowered to 1", 0, 1, 2, 3)
			start := time.Now()
			at, err := lowered.Wait(ctx)
			if err != nil {
				return err
			}
			// The tokens of tasks 0 and 1 pass to 4 and 5, which waited before. After 2, 3
			// and 4, only one is left.
			if got := at.Sub(start); got != 6*time.Minute {
				t.Errorf("the limit was lowered after %v, want 6m", got)
			}
			got.check(t, "with a limit of 1", 0, 1, 2, 3, 4, 5)
			checkTry(t, "with a limit of 1 and a task that has the token", sem, false)
			if at, err = late.Wait(ctx); err != nil {
				return err
			}
			got.check(t, "in the end", 0, 1, 2, 3, 4, 5, 6)
			if got := at.Sub(start); got != 8*time.Minute {
				t.Errorf("the task that came after the lowering has got a token after %v, want 8m, when the last one before has ended", got)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		sem.Release(most - 1)
		bubbletest.CheckPanics(t, "a limit above the most", "semaphore: released more than held", func() { sem.Release(1) })
	})
}

// catalogue: trio/test_sync.py::test_CapacityLimiter_memleak_548
func TestLimiterCanceled(t *testing.T) {
	bubbletest.Run(t, "while a task waits", func(t *testing.T) {
		sem := semaphore.NewWeighted(1)
		sem.TryAcquire(1)
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return sem.Acquire(ctx, 1)
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter around Acquire = %v, %v, want true, nil", expired, err)
		}
		sem.Release(1)
		// A waiter that was left behind would have it now.
		checkTry(t, "after a waiter was canceled", sem, true)
	})
}

// catalogue: trio/test_sync.py::test_CapacityLimiter_zero_limit_tokens
func TestLimiterOfZero(t *testing.T) {
	bubbletest.Run(t, "that is raised later", func(t *testing.T) {
		const most = 10
		sem := semaphore.NewWeighted(most)
		sem.TryAcquire(most) // a limit of 0
		checkTry(t, "with a limit of 0", sem, false)
		var got tally
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			start := func(ctx context.Context, i int) {
				n.Go(func(context.Context) error {
					_ = acquiring(sem, time.Minute, got.of(i))(ctx)
					return nil
				})
				synctest.Wait() // the task has a token, or waits
			}
			start(ctx, 0)
			got.check(t, "with a limit of 0")
			sem.Release(1) // a limit of 1
			synctest.Wait()
			got.check(t, "with a limit of 1", 0)

			n.Go(func(ctx context.Context) error { return sem.Acquire(ctx, 1) }) // of 0 again
			synctest.Wait()                                                      // it takes what task 0 has
			later, cancel := context.WithCancel(ctx)
			defer cancel()
			for i := 1; i <= 5; i++ {
				start(later, i)
			}
			if err := deadline.Sleep(ctx, time.Hour); err != nil {
				return err
			}
			got.check(t, "with a token returned under a limit of 0", 0)
			sem.Release(2)
			synctest.Wait() // exactly two have got in
			got.check(t, "with a limit of 2", 0, 1, 2)
			cancel()
			synctest.Wait() // the others have given up, and so have these two
			checkTry(t, "after all have been canceled", sem, true)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		got.check(t, "in the end", 0, 1, 2)
	})
}

// catalogue: trio/test_sync.py::test_generic_lock_exclusion
func TestLimiterExcludes(t *testing.T) {
	const workers, times = 5, 50
	sem := semaphore.NewWeighted(1)
	inside, entered := 0, 0 // without a lock, for the race detector
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for range workers {
			n.Go(func(ctx context.Context) error {
				for range times / workers {
					if err := sem.Acquire(ctx, 1); err != nil {
						return err
					}
					if inside++; inside != 1 {
						t.Errorf("%d are inside, want 1", inside)
					}
					entered++
					inside--
					sem.Release(1)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || entered != times {
		t.Errorf("Run = %v, entered %d times, want nil, %d", err, entered, times)
	}
}

// catalogue: trio/test_sync.py::test_generic_lock_fifo_fairness
func TestLimiterIsFair(t *testing.T) {
	bubbletest.Run(t, "to tasks that acquire again and again", func(t *testing.T) {
		const workers, rounds = 3, 5
		sem := semaphore.NewWeighted(1)
		var got tally
		var want []int
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range workers {
				n.Go(func(ctx context.Context) error {
					for range rounds {
						if err := acquiring(sem, time.Second, got.of(i))(ctx); err != nil {
							return err
						}
					}
					return nil
				})
				synctest.Wait() // the worker has the token, or waits
			}
			return nil
		})
		for range rounds {
			want = append(want, 0, 1, 2)
		}
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if !slices.Equal(got.all, want) {
			t.Errorf("%v have acquired the token in this order, want %v", got.all, want)
		}
	})
}

// catalogue: trio/test_sync.py::test_generic_lock_acquire_nowait_blocks_acquire
func TestLimiterTakenWithoutWaiting(t *testing.T) {
	bubbletest.Run(t, "makes others wait", func(t *testing.T) {
		sem := semaphore.NewWeighted(1)
		if !sem.TryAcquire(1) {
			t.Fatal("TryAcquire of a new semaphore = false, want true")
		}
		var got tally
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(acquiring(sem, 0, got.of(1)))
			synctest.Wait() // the task waits
			got.check(t, "with the token taken")
			sem.Release(1)
			synctest.Wait() // the task has it
			got.check(t, "with the token released", 1)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}
