package nursery_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
)

// A canceling is a nursery with many scopes inside, in which one task fails. All are
// adjustable, so that the scopes are canceled one by one when the nursery has been.
type canceling struct {
	inside []<-chan struct{} // Done of the scopes
}

// run runs the nursery. others is called to start tasks that wait for done. (A task that
// asks for Done of its own context has a scope in the list of the nursery's, and could
// not leave it.)
func (c *canceling) run(config nursery.Config, others func(n *nursery.Nursery, done <-chan struct{})) error {
	config.Adjustable = true
	return config.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) (err error) {
		for range 10_000 {
			scope := cancelscope.Scope{Adjustable: true}
			inside, end := scope.Enter(ctx)
			defer end(new(error))
			c.inside = append(c.inside, inside.Done())
		}
		others(n, ctx.Done())
		n.Go(with(errBoom))
		<-ctx.Done()
		return nil
	})
}

// open returns how many of the scopes inside are not canceled.
func (c *canceling) open() (n int) {
	for _, done := range c.inside {
		select {
		case <-done:
		default:
			n++
		}
	}
	return n
}

// waitAndMore waits for done, and then lets others run a number of times.
func waitAndMore(done <-chan struct{}, more int) {
	<-done
	for range more {
		runtime.Gosched()
	}
}

// When a task with a handle has ended because of a cancellation, that has reached
// everything in the nursery.
func TestStressHandlesWaitForTheCancellation(t *testing.T) {
	stress.Run(t, 16, func(r *stress.Round) {
		var c canceling
		var waiters sync.WaitGroup
		c.run(nursery.Config{}, func(n *nursery.Nursery, done <-chan struct{}) {
			for i := range 30 {
				task := n.Task("", func(ctx context.Context) error {
					waitAndMore(done, i)
					return ctx.Err()
				})
				waiters.Go(func() {
					task.Wait(context.Background())
					if n := c.open(); n > 0 {
						r.Errorf("when a canceled task has ended, %d of %d scopes in the nursery are not canceled, want 0", n, len(c.inside))
					}
				})
			}
		})
		waiters.Wait()
	})
}

// OnError is not called for the second task that fails before the failure of the first has
// canceled everything.
func TestStressSecondFailureWaitsForTheCancellation(t *testing.T) {
	errSecond := errors.New("second")
	stress.Run(t, 16, func(r *stress.Round) {
		var c canceling
		config := nursery.Config{OnError: func(*nursery.TaskError) {
			if n := c.open(); n > 0 {
				r.Errorf("when OnError is called, %d of %d scopes in the nursery are not canceled, want 0", n, len(c.inside))
			}
		}}
		c.run(config, func(n *nursery.Nursery, done <-chan struct{}) {
			for i := range 30 {
				n.Go(func(context.Context) error {
					waitAndMore(done, i)
					return errSecond
				})
			}
		})
	})
}
