package workload

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/figures"
	"github.com/trellis-go/trellis/bench/internal/peer"
)

var pipers = []peer.Piper{peer.TrellisChannel, peer.StdChannel}

// channels: values that go from tasks to tasks, all under one context, as in a group.
func (c Config) channels() []Workload {
	all := []Workload{c.alone()}
	for _, shape := range []struct{ senders, receivers, capacity int }{
		{1, 1, 0}, {1, 1, 64}, {8, 8, 0}, {8, 8, 64}, {1, 1000, 0}, {1000, 1, 64},
	} {
		all = append(all, c.pass(shape.senders, shape.receivers, shape.capacity))
	}
	return append(all, c.giveUp())
}

// pipes are entrants that do work with a pipe of each kind, under a context.
func pipes(capacity int, work func(ctx context.Context, p peer.Pipe) error) []Entrant {
	var entrants []Entrant
	for _, piper := range pipers {
		entrants = append(entrants, Entrant{piper.Name, func() (func(Timer) error, func()) {
			return underParent(func(ctx context.Context) error { return work(ctx, piper.Open(capacity)) }, nothing)
		}})
	}
	return entrants
}

// alone: one task sends and receives, and never waits.
func (c Config) alone() Workload {
	values := c.count(10_000)
	saw := c.seen(nothing)
	return Workload{
		Name: "channel/alone", Title: "send and receive, never waiting",
		Unit: "value", Units: values, Against: "std",
		Entrants: pipes(1, func(ctx context.Context, p peer.Pipe) error {
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
		}),
	}
}

// pass: some tasks send and others receive.
func (c Config) pass(senders, receivers, capacity int) Workload {
	name := fmt.Sprintf("channel/senders=%d/receivers=%d/capacity=%d", senders, receivers, capacity)
	values := c.count(16_000) // a multiple of all numbers of tasks
	senders, receivers = c.count(senders), c.count(receivers)
	saw := c.seen(nothing)
	return Workload{
		Name:  name,
		Title: fmt.Sprintf("%s to %s, capacity %d", counted(senders, "sender"), counted(receivers, "receiver"), capacity),
		Unit:  "value", Units: values, Against: "std",
		Entrants: pipes(capacity, func(ctx context.Context, p peer.Pipe) error {
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
		}),
	}
}

// counted is a number of things in words, as in "1 sender" and "8 senders".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return figures.Thousands(n) + " " + thing + "s"
}

// giveUp: many tasks wait for a value until their context is canceled. Only the end is
// measured.
func (c Config) giveUp() Workload {
	w := Workload{
		Name: "channel/cancel", Title: "cancel 10,000 receivers that wait",
		Unit: "receiver", Units: c.count(10_000), Against: "std",
		cold: true,
	}
	saw := c.seen(nothing)
	for _, piper := range pipers {
		w.Entrants = append(w.Entrants, Entrant{piper.Name, func() (func(Timer) error, func()) {
			return func(t Timer) error {
				t.StopTimer()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				p := piper.Open(0)
				var ready, ended sync.WaitGroup
				ready.Add(w.Units)
				for range w.Units {
					ended.Go(func() {
						ready.Done()
						if _, err := p.Receive(ctx); err != nil {
							saw()
						}
					})
				}
				ready.Wait()
				runtime.Gosched() // the last ones still have to get to the channel
				t.StartTimer()
				cancel()
				ended.Wait()
				return nil
			}, nothing
		}})
	}
	return w
}
