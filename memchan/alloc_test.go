//go:build !race

// The race detector makes allocations of its own.

package memchan_test

import (
	"context"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
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

// checkAllocs checks what one of many calls of f allocates at most.
func checkAllocs(t *testing.T, call string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(1000, f); got > most {
		t.Errorf("%s: %v allocations, want at most %v", call, got, most)
	}
}

func TestAllocations(t *testing.T) {
	ctx := &counting{Context: t.Context()}
	s, r := memchan.Open[int](8)
	checkAllocs(t, "Send and Receive that need not wait", 0, func() {
		for v := range 8 {
			s.Send(ctx, v)
		}
		for range 8 {
			r.Receive(ctx)
		}
	})
	if ctx.asked != 0 {
		t.Errorf("a context under which nobody had to wait was asked %d times for its Done channel, want 0", ctx.asked)
	}
	checkAllocs(t, "TrySend and TryReceive", 0, func() {
		s.TrySend(1)
		s.TrySend(2)
		r.TryReceive()
		r.TryReceive()
		r.TryReceive()
	})
	checkAllocs(t, "Stats", 0, func() { s.Stats() })
	checkAllocs(t, "Open", 1, func() { memchan.Open[int](8) })
	checkAllocs(t, "Clone and Close", 1, func() {
		c, _ := s.Clone()
		c.Close()
	})
	done, cancel := context.WithCancel(t.Context())
	cancel()
	checkAllocs(t, "Send and Receive under a context that is done", 0, func() {
		s.Send(done, 1)
		r.Receive(done)
	})
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
	if got := pingPong(context.Background(), 1000); got > 0 {
		t.Errorf("a round trip, with context.Background: %v allocations, want none", got)
	}
	var scope cancelscope.Scope
	_ = scope.Run(t.Context(), func(ctx context.Context) error {
		// A channel for each of at most four waits, as an average: sometimes the other
		// one is quicker, and nobody waits.
		if got := pingPong(ctx, 1000); got > 4 {
			t.Errorf("a round trip, in a scope: %v allocations, want at most 4", got)
		}
		return nil
	})
}

// In a crowd waiting costs nothing. The average of many: somebody founds the crowd.
func TestAllocationsInCrowd(t *testing.T) {
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
