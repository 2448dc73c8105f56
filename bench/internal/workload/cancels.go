package workload

import (
	"context"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/cancelscope"
)

// cancels: one call that cancels many scopes side by side. Only the call is measured.
func (c Config) cancels() []Workload {
	return []Workload{
		c.cancel("unseen", "cancel 100,000 scopes below one, nobody looks", false),
		c.cancel("seen", "cancel 100,000 scopes below one, all wait on Done", true),
	}
}

func (c Config) cancel(label, title string, look bool) Workload {
	w := Workload{
		Name: "cancel/done=" + label, Title: title,
		Unit: "scope", Units: c.count(100_000), Against: "std",
		cold: true,
	}
	w.Entrants = []Entrant{
		{"trellis", func() (func(Timer) error, func()) {
			run := func(t Timer) error {
				var s cancelscope.Scope
				return s.Run(context.Background(), func(ctx context.Context) error {
					c.cancelBelow(ctx, peer.TrellisScopes, w.Units, look, t, func() { s.Cancel(nil) })
					return nil
				})
			}
			return run, nothing
		}},
		{"std", func() (func(Timer) error, func()) {
			run := func(t Timer) error {
				ctx, cancel := context.WithCancel(context.Background())
				c.cancelBelow(ctx, peer.StdContexts, w.Units, look, t, cancel)
				return nil
			}
			return run, nothing
		}},
	}
	return w
}

// cancelBelow measures cancel, which cancels ctx, while so many scopes are open
// directly below that. Each needs a goroutine, because scopes are left by those who
// opened them.
func (c Config) cancelBelow(ctx context.Context, n peer.Nester, count int, look bool, t Timer, cancel func()) {
	t.StopTimer()
	defer t.StartTimer()
	var ready, ended sync.WaitGroup
	end := make(chan struct{})
	saw := c.seen(nothing)
	scope := n.Nest(1, 0, func(ctx context.Context) error {
		until := (<-chan struct{})(end)
		if look {
			until = ctx.Done()
		}
		saw()
		ready.Done()
		<-until
		return nil
	})
	ready.Add(count)
	for range count {
		ended.Go(func() { scope(ctx) })
	}
	ready.Wait()
	t.StartTimer()
	cancel()
	t.StopTimer()
	close(end)
	ended.Wait()
}
