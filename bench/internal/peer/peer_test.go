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

// In the libraries with errors, a failure cancels the tasks that wait for the end of
// their context, run waits for all of them, and returns the failure.
func TestFailureCancels(t *testing.T) {
	const count = 50
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Conc, peer.Pond} {
		var ended atomic.Int64
		began := make(chan bool)
		wait := peer.NewTask(func(ctx context.Context) error {
			began <- true
			<-ctx.Done()
			runtime.Gosched()
			ended.Add(1)
			return ctx.Err()
		})
		fail := peer.NewTask(func(context.Context) error { return errTask })
		err := lib.Open(func(ctx context.Context, g peer.Group) {
			wait.Under(ctx)
			for range count {
				g.Go(wait)
				<-began
			}
			g.Go(fail)
		})(t.Context())
		if !errors.Is(err, errTask) {
			t.Errorf("%s: run gave %v, want %v", lib.Name, err, errTask)
		}
		if got := ended.Load(); got != count {
			t.Errorf("%s: when run returned %d tasks had ended, want %d", lib.Name, got, count)
		}
	}
}

// The context that a body gets is that of the group, and done when the group has ended:
// otherwise each group would make the next one slower.
func TestBodyGetsContext(t *testing.T) {
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Pond} {
		var got context.Context
		if err := lib.Open(func(ctx context.Context, _ peer.Group) { got = ctx })(t.Context()); err != nil {
			t.Errorf("%s: run gave %v, want nil", lib.Name, err)
		}
		if got.Err() == nil || t.Context().Err() != nil {
			t.Errorf("%s: after run Err gave %v, and outside %v, want an error and nil", lib.Name, got.Err(), t.Context().Err())
		}
	}
}

// Every loop handles every item once, with at most limit of them at a time, and with
// that many where it can.
func TestLoops(t *testing.T) {
	const items, limit = 500, 3
	for _, loop := range []peer.Loop{
		peer.TrellisLoop, peer.TrellisSeqLoop, peer.RawLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.ConcIterLoop, peer.PondLoop,
	} {
		var running, most atomic.Int64
		all := make(chan struct{}) // closed when limit items are handled at the same time
		seen := make([]atomic.Int64, items)
		err := loop.ForEach(limit, items, func(_ context.Context, item int) error {
			now := running.Add(1)
			for old := most.Load(); now > old; old = most.Load() {
				if most.CompareAndSwap(old, now) && now == limit {
					close(all)
				}
			}
			<-all
			seen[item].Add(1)
			running.Add(-1)
			return nil
		})(t.Context())
		if err != nil {
			t.Errorf("%s: run gave %v, want nil", loop.Name, err)
		}
		for item := range seen {
			if got := seen[item].Load(); got != 1 {
				t.Errorf("%s: item %d was handled %d times, want once", loop.Name, item, got)
			}
		}
		if got := most.Load(); got != limit {
			t.Errorf("%s: %d items were handled at a time, want %d", loop.Name, got, limit)
		}
	}
}

// The loops with errors return that of an item.
func TestLoopFails(t *testing.T) {
	for _, loop := range []peer.Loop{peer.TrellisLoop, peer.TrellisSeqLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.PondLoop} {
		err := loop.ForEach(2, 100, func(_ context.Context, item int) error {
			if item == 50 {
				return errTask
			}
			return nil
		})(t.Context())
		if !errors.Is(err, errTask) {
			t.Errorf("%s: run gave %v, want %v", loop.Name, err, errTask)
		}
	}
}

// The results of a map have the order of the items, whichever is ready first.
func TestMappers(t *testing.T) {
	const items = 500
	var want []int
	for i := range items {
		want = append(want, i*i)
	}
	for _, mapper := range []peer.Mapper{
		peer.TrellisMapper, peer.TrellisSeqMapper, peer.RawMapper, peer.ErrgroupMapper, peer.ConcIterMapper,
	} {
		got, err := mapper.Map(3, items, func(_ context.Context, item int) (int, error) {
			if item%2 == 0 {
				runtime.Gosched()
			}
			return item * item, nil
		})(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: run gave %v, %v, want the squares up to %d", mapper.Name, got, err, items)
		}
	}
}

// Nests call their function once, with a deadline if there is a limit, return its error,
// and let a cancellation from outside in.
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
		for _, limit := range []time.Duration{0, time.Hour} {
			allocs := func(depth int) float64 {
				nest := n.Nest(depth, limit, func(context.Context) error { return nil })
				return testing.AllocsPerRun(10, func() { nest(t.Context()) })
			}
			if one, ten := allocs(1), allocs(10); one == 0 || ten < 9*one {
				t.Errorf("%s, limit %v: %v allocations at depth 1 and %v at depth 10, want about ten times as many", n.Name, limit, one, ten)
			}
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
