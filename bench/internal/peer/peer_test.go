package peer_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

var errTask = errors.New("the task failed")

// Every library runs all tasks and waits for them, time after time.
func TestTasksRun(t *testing.T) {
	const count = 50
	for _, lib := range []peer.Library{
		peer.Trellis, peer.Raw, peer.RawErrors, peer.Errgroup, peer.Conc, peer.Pond, peer.Ants, peer.AntsErrors, peer.Multierror,
	} {
		t.Run(lib.Name, func(t *testing.T) {
			var ended atomic.Int64
			task := peer.Work(func() {
				runtime.Gosched()
				ended.Add(1)
			})
			run, release := lib.Open(func(_ context.Context, g peer.Group) {
				for range count {
					g.Go(task)
				}
			})
			defer release()
			for i := range 3 {
				if err := run(t.Context()); err != nil {
					t.Errorf("run gave %v, want nil", err)
				}
				if got, want := ended.Load(), int64(count*(i+1)); got != want {
					t.Errorf("after %d runs %d tasks have ended, want %d", i+1, got, want)
				}
			}
		})
	}
}

// In the libraries with errors, a failure ends the tasks that wait for the end of
// their context, all of them are awaited, and the failure comes out.
func TestFailureCancels(t *testing.T) {
	const count = 50
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Conc, peer.Pond, peer.AntsErrors} {
		t.Run(lib.Name, func(t *testing.T) {
			var ended atomic.Int64
			run, release := lib.Open(func(ctx context.Context, g peer.Group) {
				began := make(chan bool)
				wait := peer.NewTask(ctx, func(ctx context.Context) error {
					began <- true
					<-ctx.Done()
					runtime.Gosched()
					ended.Add(1)
					return ctx.Err()
				})
				for range count {
					g.Go(wait)
					<-began
				}
				g.Go(peer.NewTask(ctx, func(context.Context) error { return errTask }))
			})
			defer release()
			if err := run(t.Context()); !errors.Is(err, errTask) {
				t.Errorf("run gave %v, want %v", err, errTask)
			}
			if got := ended.Load(); got != count {
				t.Errorf("when run returned %d tasks had ended, want %d", got, count)
			}
		})
	}
}

// The context that a body sees is the group's own, and done when the group has ended.
func TestBodySeesContext(t *testing.T) {
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Pond} {
		var seen context.Context
		run, release := lib.Open(func(ctx context.Context, _ peer.Group) {
			if err := ctx.Err(); err != nil {
				t.Errorf("%s: Err in the body gave %v, want nil", lib.Name, err)
			}
			seen = ctx
		})
		if err := run(t.Context()); err != nil {
			t.Errorf("%s: run gave %v, want nil", lib.Name, err)
		}
		release()
		if seen.Err() == nil {
			t.Errorf("%s: Err after the end gave nil, want an error: what is left would burden the next group", lib.Name)
		}
	}
}

// Every loop works off every item once, never more than the limit at a time.
func TestLoops(t *testing.T) {
	const items, limit = 500, 3
	for _, loop := range []peer.Loop{
		peer.TrellisLoop, peer.RawLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.ConcIterLoop, peer.PondLoop, peer.AntsLoop,
		peer.WorkerpoolLoop, peer.SemaphoreLoop,
	} {
		t.Run(loop.Name, func(t *testing.T) {
			var running, most atomic.Int64
			seen := make([]atomic.Int64, items)
			run, release := loop.ForEach(limit, items, func(_ context.Context, item int) error {
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				runtime.Gosched()
				seen[item].Add(1)
				running.Add(-1)
				return nil
			})
			defer release()
			for i := range 2 {
				if err := run(t.Context()); err != nil {
					t.Errorf("run gave %v, want nil", err)
				}
				for item := range seen {
					if got := seen[item].Load(); got != int64(i+1) {
						t.Errorf("after %d runs item %d was worked off %d times", i+1, item, got)
					}
				}
			}
			if got := most.Load(); got > limit {
				t.Errorf("%d items were worked off at a time, want at most %d", got, limit)
			}
		})
	}
}

// The loops with errors say that an item has failed.
func TestLoopFails(t *testing.T) {
	for _, loop := range []peer.Loop{peer.TrellisLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.PondLoop} {
		run, release := loop.ForEach(2, 100, func(_ context.Context, item int) error {
			if item == 50 {
				return errTask
			}
			return nil
		})
		if err := run(t.Context()); !errors.Is(err, errTask) {
			t.Errorf("%s: run gave %v, want %v", loop.Name, err, errTask)
		}
		release()
	}
}

// The results of a map have the order of the items, whatever is ready first.
func TestMappers(t *testing.T) {
	const items = 500
	want := make([]int, items)
	for i := range want {
		want[i] = i * i
	}
	for _, mapper := range []peer.Mapper{
		peer.TrellisMapper, peer.TrellisSeqMapper, peer.RawMapper, peer.ErrgroupMapper, peer.ConcIterMapper, peer.ConcStreamMapper,
	} {
		run, release := mapper.Map(3, items, func(_ context.Context, item int) (int, error) {
			if item%2 == 0 {
				runtime.Gosched()
			}
			return item * item, nil
		})
		got, err := run(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: run gave %v, %v, want the squares up to %d", mapper.Name, got, err, items)
		}
		release()
	}
}

// Nests call their function once, inside as many scopes as they were told, pass its
// error on, and let a cancellation from outside in.
func TestNesters(t *testing.T) {
	for _, n := range []peer.Nester{peer.TrellisScopes, peer.StdContexts} {
		for _, limit := range []time.Duration{0, time.Hour} {
			for _, depth := range []int{1, 10} {
				calls := 0
				outside, cancel := context.WithCancel(t.Context())
				err := n.Nest(depth, limit, func(ctx context.Context) error {
					calls++
					if _, ok := ctx.Deadline(); ok != (limit != 0) {
						t.Errorf("%s, depth %d, limit %v: Deadline gave %v", n.Name, depth, limit, ok)
					}
					cancel()
					<-ctx.Done()
					return errTask
				})(outside)
				if calls != 1 || err != errTask {
					t.Errorf("%s, depth %d, limit %v: %d calls, error %v, want 1 and %v", n.Name, depth, limit, calls, err, errTask)
				}
			}
		}
	}
}

// Each level of a nest costs something: otherwise there would be fewer than asked for.
func TestNestHasAllLevels(t *testing.T) {
	for _, n := range []peer.Nester{peer.TrellisScopes, peer.StdContexts} {
		allocs := func(depth int) float64 {
			nest := n.Nest(depth, 0, func(context.Context) error { return nil })
			return testing.AllocsPerRun(10, func() { nest(t.Context()) })
		}
		one, ten := allocs(1), allocs(10)
		if one == 0 || ten < 9*one {
			t.Errorf("%s: %v allocations at depth 1 and %v at depth 10, want about ten times as many", n.Name, one, ten)
		}
	}
}

// A pipe hands values on in order, and a wait in it ends with the context.
func TestPipers(t *testing.T) {
	for _, piper := range []peer.Piper{peer.TrellisChannel, peer.StdChannel} {
		ctx, cancel := context.WithCancel(t.Context())
		p := piper.Open(2)
		for v := range 2 {
			if err := p.Send(ctx, v); err != nil {
				t.Errorf("%s: Send gave %v, want nil", piper.Name, err)
			}
		}
		time.AfterFunc(time.Millisecond, cancel)
		if err := p.Send(ctx, 2); err != context.Canceled {
			t.Errorf("%s: Send to a full pipe gave %v, want %v", piper.Name, err, context.Canceled)
		}
		for want := range 2 {
			if got, err := p.Receive(t.Context()); got != want || err != nil {
				t.Errorf("%s: Receive gave %d, %v, want %d, nil", piper.Name, got, err, want)
			}
		}
		if _, err := p.Receive(ctx); err != context.Canceled {
			t.Errorf("%s: Receive from an empty pipe gave %v, want %v", piper.Name, err, context.Canceled)
		}
	}
}
