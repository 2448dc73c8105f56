package nursery_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/nursery"
)

// What waits for its turn has no goroutine: neither an item nor a task for which a token
// is acquired before Go.
func TestWorkThatWaitsHasNoGoroutine(t *testing.T) {
	const count, limit = 5000, 5
	// A collection moves goroutines that have ended, of earlier tests as well, from one list to
	// another, and NumGoroutine counts those on the way as living.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // ends the collection that may be running
	for _, way := range []struct {
		name string
		run  func(ctx context.Context, work func(ctx context.Context) error) error
	}{
		{"ForN", func(ctx context.Context, work func(ctx context.Context) error) error {
			return nursery.ForN(ctx, limit, count, func(ctx context.Context, _ int) error { return work(ctx) })
		}},
		{"ForEach over a sequence", func(ctx context.Context, work func(ctx context.Context) error) error {
			return nursery.ForEach(ctx, limit, upTo(count), func(ctx context.Context, _ int) error { return work(ctx) })
		}},
		{"Acquire before Go", func(ctx context.Context, work func(ctx context.Context) error) error {
			tokens := semaphore.NewWeighted(limit)
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range count {
					if err := tokens.Acquire(ctx, 1); err != nil {
						return err
					}
					n.Go(func(ctx context.Context) error {
						defer tokens.Release(1)
						return work(ctx)
					})
				}
				return nil
			})
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			var most, done atomic.Int64
			err := way.run(t.Context(), func(context.Context) error {
				now := int64(runtime.NumGoroutine() - before)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				done.Add(1)
				return nil
			})
			checkShape(t, way.name, err, "nil")
			// More than limit, because a task that has released its token is a goroutine until
			// it has ended, and on a busy machine many wait for the lock of the nursery to do so.
			if enough := int64(count / 5); done.Load() != count || most.Load() > enough {
				t.Errorf("%d pieces of work done, with up to %d goroutines, want %d, at most %d", done.Load(), most.Load(), count, enough)
			}
		})
	}
}
