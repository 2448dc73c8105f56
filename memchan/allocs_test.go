package memchan_test

import (
	"context"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/ceiling"
	"github.com/trellis-go/trellis/memchan"
)

// A counting context counts how often it was asked for its Done channel.
type counting struct {
	context.Context
	asked int
}

func (c *counting) Done() <-chan struct{} {
	c.asked++
	return c.Context.Done()
}

// What each entry point may allocate at most. See the tests below for calls that wait.
func TestAllocations(t *testing.T) {
	ctx := &counting{Context: t.Context()}
	s, r := memchan.Open[int](8)
	calls := append(callsOfValues(ctx, s, r), callsOfHandles(s, r)...)
	ceiling.Check(t, calls)
	ceiling.CheckComplete(t, "../testdata/api/memchan.txt", calls)
	if ctx.asked != 0 {
		t.Errorf("a context under which no call had to wait was asked %d times for its Done channel, want 0", ctx.asked)
	}
}

func callsOfValues(ctx context.Context, s *memchan.Sender[int], r *memchan.Receiver[int]) []ceiling.Call {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	fill := func() {
		for v := range 8 {
			s.Send(ctx, v)
		}
	}
	return []ceiling.Call{
		ceiling.At(0, "Sender.Send", "with Receive, without a wait", func() {
			fill()
			for range 8 {
				r.Receive(ctx)
			}
		}),
		ceiling.At(0, "Receiver.Receive", "with Send, without a wait", func() { s.Send(ctx, 1); r.Receive(ctx) }),
		ceiling.At(0, "Sender.Send", "under a context that is done", func() { s.Send(done, 1) }),
		ceiling.At(0, "Receiver.Receive", "under a context that is done", func() { r.Receive(done) }),
		ceiling.At(0, "Sender.TrySend", "with TryReceive", func() { s.TrySend(1); r.TryReceive() }),
		ceiling.At(0, "Sender.TrySend", "when the buffer is full", func() {
			for s.TrySend(1) == nil {
			}
			for range 8 {
				r.TryReceive()
			}
		}),
		ceiling.At(0, "Receiver.TryReceive", "when there is nothing", func() { r.TryReceive() }),
		ceiling.At(0, "Receiver.All", "of eight values", func() {
			fill()
			left := 8
			for range r.All(ctx) {
				if left--; left == 0 {
					break
				}
			}
		}),
	}
}

func callsOfHandles(s *memchan.Sender[int], r *memchan.Receiver[int]) []ceiling.Call {
	return []ceiling.Call{
		ceiling.At(1, "Open", "", func() { memchan.Open[int](8) }),
		ceiling.At(1, "Sender.Clone", "with Close", func() { c, _ := s.Clone(); c.Close() }),
		ceiling.At(1, "Receiver.Clone", "with Close", func() { c, _ := r.Clone(); c.Close() }),
		ceiling.At(1, "Sender.Close", "with Open", func() {
			s, _ := memchan.Open[int](8)
			s.Close()
		}),
		ceiling.At(1, "Receiver.Close", "with Open", func() {
			_, r := memchan.Open[int](8)
			r.Close()
		}),
		ceiling.At(0, "Sender.Stats", "", func() { s.Stats() }),
		ceiling.At(0, "Receiver.Stats", "", func() { r.Stats() }),
	}
}

// pingPong sends and receives n values in turns with a goroutine that does the same, so
// that each of the two waits for the other.
func pingPong(ctx context.Context, n int) float64 {
	s1, r1 := memchan.Open[int](0)
	s2, r2 := memchan.Open[int](0)
	var echo sync.WaitGroup
	echo.Go(func() {
		for v, err := range r1.All(ctx) {
			if err != nil || s2.Send(ctx, v) != nil {
				return
			}
		}
	})
	allocs := testing.AllocsPerRun(n, func() {
		s1.Send(ctx, 1)
		r2.Receive(ctx)
	})
	s1.Close()
	echo.Wait()
	return allocs
}

func TestAllocationsOfWaits(t *testing.T) {
	ceiling.SkipUnderRace(t)
	if got := pingPong(context.Background(), 1000); got > 0 {
		t.Errorf("a round trip, with context.Background: %v allocations, want none", got)
	}
	var scope cancelscope.Scope
	_ = scope.Run(t.Context(), func(ctx context.Context) error {
		// A channel for each of at most four waits, as an average: sometimes the other
		// one is quicker, and neither waits.
		if got := pingPong(ctx, 1000); got > 4 {
			t.Errorf("a round trip, in a scope: %v allocations, want at most 4", got)
		}
		return nil
	})
}

// Where a watcher watches the context, a wait costs nothing. This is the average of many,
// because one call starts the watcher.
func TestAllocationsWithAWatcher(t *testing.T) {
	ceiling.SkipUnderRace(t)
	const tasks, each = 100, 1000
	s, r := memchan.Open[int](0)
	allocs := testing.AllocsPerRun(1, func() {
		var all sync.WaitGroup
		for range tasks {
			all.Go(func() {
				for range each {
					r.Receive(t.Context())
				}
			})
		}
		for v := range tasks * each {
			s.Send(t.Context(), v)
		}
		all.Wait()
	})
	if got := allocs / (tasks * each); got > 0.2 {
		t.Errorf("with %d tasks that wait: %v allocations a value, want few", tasks, got)
	}
}
