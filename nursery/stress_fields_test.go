package nursery_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
)

// tasks: a task that is accepted while the nursery closes runs before it has closed, and
// a task that is refused does not run.
func TestStressTasks(t *testing.T) {
	stress.Run(t, 200, func(r *stress.Round) {
		const nurseries, intruders = 100, 2
		type house struct {
			n        atomic.Pointer[nursery.Nursery]
			closing  atomic.Bool
			over     atomic.Bool
			let, ran atomic.Int32
		}
		houses := make([]house, nurseries)
		var all sync.WaitGroup
		for i := range intruders {
			rng := r.Rand(uint64(i))
			all.Go(func() {
				for i := range houses {
					h := &houses[i]
					for n := 1; !h.closing.Load(); n++ {
						if n%100 == 0 {
							runtime.Gosched()
						}
					}
					for range rng.IntN(3) {
						h.closing.Load() // a moment
					}
					for range 1 + rng.IntN(2) {
						err := h.n.Load().TryGo("", func(context.Context) error {
							if h.over.Load() {
								r.Errorf("a task runs after Run has returned")
							}
							h.ran.Add(1)
							return nil
						})
						if err == nil {
							h.let.Add(1)
						} else if err != nursery.ErrClosed {
							r.Errorf("TryGo = %v, want nil or ErrClosed", err)
						}
					}
				}
			})
		}
		rng, ran := r.Rand(intruders), make([]int32, nurseries)
		for i := range houses {
			h := &houses[i]
			err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
				h.n.Store(n)
				for range rng.IntN(3) {
					runtime.Gosched()
				}
				h.closing.Store(true)
				return nil
			})
			h.over.Store(true)
			ran[i] = h.ran.Load()
			if err != nil {
				r.Errorf("Run = %v, want nil", err)
			}
		}
		all.Wait()
		for i := range houses {
			h := &houses[i]
			if let, end := h.let.Load(), h.ran.Load(); ran[i] != end || end != let {
				r.Errorf("%d tasks were let in, %d had run when Run returned, and %d in the end; want the same", let, ran[i], end)
			}
			if got, err := h.n.Load().Running(), h.n.Load().TryGo("", func(context.Context) error { return nil }); got != 0 || err != nursery.ErrClosed {
				r.Errorf("after the end Running() = %d and TryGo = %v, want 0 and ErrClosed", got, err)
			}
		}
	})
}

// tasks: a goroutine outside the nursery may take a share when the count is zero and the
// nursery has not closed yet. Here shares are given back and taken again all the time.
// The moment that matters is two instructions long: a nursery that closes without looking
// again fails within seconds under the race detector, and hardly ever without.
func TestStressTryGoFromOutside(t *testing.T) {
	stress.Run(t, 60, func(r *stress.Round) {
		const outsiders, tries = 2, 200
		for range 20 {
			var let, ran atomic.Int32
			var over atomic.Bool
			var all sync.WaitGroup
			err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
				for range outsiders {
					all.Go(func() {
						for range tries {
							err := n.TryGo("", func(context.Context) error {
								if over.Load() {
									r.Errorf("a task runs after Run has returned")
								}
								ran.Add(1)
								return nil
							})
							if err != nil {
								return
							}
							let.Add(1)
						}
					})
				}
				n.Go(func(context.Context) error { return nil })
				return nil
			})
			over.Store(true)
			got := ran.Load()
			if err != nil {
				r.Errorf("Run = %v, want nil", err)
			}
			all.Wait()
			if want := let.Load(); got != want {
				r.Errorf("%d tasks had run when Run returned, want the %d that were let in", got, want)
			}
		}
	})
}

// parked: whichever goroutine ends last wakes the body, and once. The ends of the body
// and of a few tasks fall together here; if the body is not woken, the test hangs.
func TestStressParked(t *testing.T) {
	stress.Run(t, 50, func(r *stress.Round) {
		rng := r.Rand(0)
		for range 100 {
			var ended atomic.Int32
			tasks := 1 + rng.IntN(4)
			together := make(chan struct{})
			err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
				for i := range tasks {
					n.Go(func(context.Context) error {
						<-together
						for range i {
							runtime.Gosched()
						}
						ended.Add(1)
						return nil
					})
				}
				close(together)
				for range rng.IntN(4) {
					runtime.Gosched()
				}
				return nil
			})
			if got := ended.Load(); err != nil || int(got) != tasks {
				r.Errorf("Run = %v when %d tasks had ended, want nil with %d", err, got, tasks)
			}
		}
	})
}

// failures: all errors are returned and the first one is the cause, however many fail at
// the same time.
func TestStressFailures(t *testing.T) {
	stress.Run(t, 100, func(r *stress.Round) {
		const tasks = 20
		together := make(chan struct{})
		var cause error
		err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
			for i := range tasks {
				n.Go(func(ctx context.Context) error {
					<-together
					if i%2 == 0 {
						return errors.Join(errBoom, ctx.Err())
					}
					<-ctx.Done()
					return ctx.Err()
				})
			}
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return cause
			})
			close(together)
			return nil
		})
		if got := len(leavesBelow(err)); got != tasks/2 || errors.Is(err, context.Canceled) {
			r.Errorf("Run = %v with %d errors, want %d and no cancellation", err, got, tasks/2)
		}
		var first *nursery.TaskError
		if !errors.As(err, &first) || !errors.Is(cause, first) {
			r.Errorf("the cause inside = %v, want it to carry the first failure %v", cause, first)
		}
	})
}

// A task with a handle ends after all scopes in the nursery know of its failure, or of
// one before. Two of them fail together here, while many scopes make the propagation
// long, and each task that waits for one is canceled when the wait ends.
func TestStressPropagation(t *testing.T) {
	stress.Run(t, 50, func(r *stress.Round) {
		const waiters, failing = 4, 2
		nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			together := make(chan struct{})
			var tasks [failing]*nursery.Task[int]
			for i := range tasks {
				turns := r.Rand(uint64(i)).IntN(20)
				tasks[i] = nursery.Spawn(n, "", func(context.Context) (int, error) {
					<-together
					for range turns {
						runtime.Gosched()
					}
					return 0, errBoom
				})
			}
			// The scopes that are entered first are canceled last.
			var ready sync.WaitGroup
			for i := range waiters {
				ready.Add(1)
				n.Go(func(ctx context.Context) error {
					var inner cancelscope.Scope
					return inner.Run(ctx, func(ctx context.Context) error {
						ready.Done()
						if _, err := tasks[i%failing].Wait(ctx); ctx.Err() == nil {
							r.Errorf("Wait = %v for a task that has failed, and Err() = nil, want to be canceled", err)
						}
						return nil
					})
				})
			}
			ready.Wait()
			for range 200 {
				ready.Add(1)
				n.Go(func(ctx context.Context) error {
					var inner cancelscope.Scope
					return inner.Run(ctx, func(ctx context.Context) error {
						done := ctx.Done()
						ready.Done()
						<-done
						return nil
					})
				})
			}
			ready.Wait()
			close(together)
			return nil
		})
	})
}

// Also a task without a handle, if it fails: it counts as ended when all scopes in the
// nursery know, although another task was first to fail and still cancels them.
func TestStressEnded(t *testing.T) {
	stress.Run(t, 8, func(r *stress.Round) {
		const inside = 5000
		nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
			together := make(chan struct{})
			for range 2 {
				n.Go(func(context.Context) error {
					<-together
					return errBoom
				})
			}
			var ready sync.WaitGroup
			ready.Add(1 + inside)
			n.Go(func(ctx context.Context) error {
				var first cancelscope.Scope // is canceled last
				return first.Run(ctx, func(ctx context.Context) error {
					ready.Done()
					<-together
					for n.Running() == 3+inside {
						runtime.Gosched()
					}
					if ctx.Err() == nil {
						r.Errorf("a task that failed has ended, and Err() = nil inside")
					}
					return nil
				})
			})
			for n.Running() < 3+inside {
				n.Go(func(ctx context.Context) error {
					var inner cancelscope.Scope
					return inner.Run(ctx, func(ctx context.Context) error {
						done := ctx.Done()
						ready.Done()
						<-together
						<-done
						return nil
					})
				})
			}
			ready.Wait()
			close(together)
			return nil
		})
	})
}
