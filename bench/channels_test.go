package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

var pipers = []peer.Piper{peer.TrellisChannel, peer.StdChannel}

// channels: values that go from tasks to tasks, all under one context, as in a group.
func (c config) channels() []workload {
	all := []workload{c.alone()}
	for _, shape := range []struct{ senders, receivers, capacity int }{
		{1, 1, 0}, {1, 1, 64}, {8, 8, 0}, {8, 8, 64}, {1, 1000, 0}, {1000, 1, 64},
	} {
		all = append(all, c.pass(shape.senders, shape.receivers, shape.capacity))
	}
	return append(all, c.giveUp())
}

// pipes are entrants that do work with a pipe of each kind, under a context.
func pipes(capacity int, work func(ctx context.Context, p peer.Pipe) error) []entrant {
	var entrants []entrant
	for _, piper := range pipers {
		entrants = append(entrants, entrant{piper.Name, underParent(func(ctx context.Context) error {
			return work(ctx, piper.Open(capacity))
		})})
	}
	return entrants
}

// alone: one task sends and receives, and never waits.
func (c config) alone() workload {
	values := c.count(10_000)
	saw := c.seen(nothing)
	return workload{name: "channel/alone", units: values, entrants: pipes(1, func(ctx context.Context, p peer.Pipe) error {
		for v := range values {
			if err := p.Send(ctx, v); err != nil {
				return err
			}
			if _, err := p.Receive(ctx); err != nil {
				return err
			}
			saw()
		}
		return nil
	})}
}

// pass: some tasks send and others receive.
func (c config) pass(senders, receivers, capacity int) workload {
	name := fmt.Sprintf("channel/senders=%d/receivers=%d/capacity=%d", senders, receivers, capacity)
	values := c.count(16_000) // a multiple of all numbers of tasks
	senders, receivers = c.count(senders), c.count(receivers)
	saw := c.seen(nothing)
	return workload{name: name, units: values, entrants: pipes(capacity, func(ctx context.Context, p peer.Pipe) error {
		var tasks sync.WaitGroup
		for range senders {
			tasks.Go(func() {
				for v := range values / senders {
					p.Send(ctx, v)
				}
			})
		}
		for range receivers {
			tasks.Go(func() {
				for range values / receivers {
					if _, err := p.Receive(ctx); err == nil {
						saw()
					}
				}
			})
		}
		tasks.Wait()
		return nil
	})}
}

// giveUp: many tasks wait for a value until their context is canceled. Only the end is
// measured.
func (c config) giveUp() workload {
	w := workload{name: "channel/cancel", units: c.count(10_000), cold: true}
	saw := c.seen(nothing)
	for _, piper := range pipers {
		w.entrants = append(w.entrants, entrant{piper.Name, func(_ testing.TB, m *meter) func() error {
			return func() error {
				m.stop()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				p := piper.Open(0)
				var ready, ended sync.WaitGroup
				ready.Add(w.units)
				for range w.units {
					ended.Go(func() {
						ready.Done()
						if _, err := p.Receive(ctx); err != nil {
							saw()
						}
					})
				}
				ready.Wait()
				runtime.Gosched() // the last ones still have to get to the channel
				m.start()
				cancel()
				ended.Wait()
				return nil
			}
		}})
	}
	return w
}
