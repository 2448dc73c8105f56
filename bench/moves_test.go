package bench_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/cancelscope"
)

// far is a deadline that no run gets near to, in steps of a microsecond.
const far = 10_000 * time.Hour

// moves: a deadline that changes while Done of its context has been called. The
// standard library has no such thing: users make a new context.
func (c config) moves() []workload {
	all := []workload{
		c.move("later", time.Microsecond),
		c.move("earlier", -time.Microsecond),
	}
	for _, look := range []bool{false, true} {
		label := map[bool]string{false: "unseen", true: "seen"}[look]
		// One scope is what many of them are compared with.
		w := c.moveOver(fmt.Sprintf("moveover/scopes=100000/done=%s", label), c.count(100_000), look)
		one := c.moveOver("", 1, look).entrants[0]
		one.lib = "one-scope"
		w.entrants = append(w.entrants, one)
		all = append(all, w)
	}
	return all
}

func (c config) move(label string, step time.Duration) workload {
	w := workload{name: "move/to=" + label, units: c.count(10_000)}
	saw := c.seen(nothing)
	w.entrants = []entrant{
		{"trellis", underParent(func(ctx context.Context) error {
			return movable(ctx, func(ctx context.Context, move func(step time.Duration)) {
				ctx.Done()
				for range w.units {
					move(step)
					saw()
				}
			})
		})},
		{"std", underParent(func(ctx context.Context) error {
			at := time.Now().Add(far)
			for range w.units {
				at = at.Add(step)
				moved, cancel := context.WithDeadline(ctx, at)
				moved.Done()
				cancel()
				saw()
			}
			return nil
		})},
	}
	return w
}

// movable calls fn in a scope with a deadline that fn can move.
func movable(ctx context.Context, fn func(ctx context.Context, move func(step time.Duration))) error {
	s := cancelscope.Scope{Adjustable: true}
	at := time.Now().Add(far)
	s.SetDeadline(at)
	return s.Run(ctx, func(ctx context.Context) error {
		fn(ctx, func(step time.Duration) {
			at = at.Add(step)
			s.SetDeadline(at)
		})
		return nil
	})
}

// moveOver: the deadline of a scope with many others directly inside moves, to and fro.
// With look, Done of each has been called. The scopes stay open from run to run.
func (c config) moveOver(name string, count int, look bool) workload {
	saw := c.seen(nothing)
	return workload{name: name, units: 1, entrants: []entrant{
		{"trellis", func(tb testing.TB, _ *meter) func() error {
			open, end, ended := make(chan func(time.Duration)), make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				movable(context.Background(), func(ctx context.Context, move func(time.Duration)) {
					config{}.withOpen(ctx, looking(look), count, false, func(*sync.WaitGroup) {
						open <- move
						<-end
					})
				})
			}()
			move, step := <-open, time.Minute
			tb.Cleanup(func() {
				close(end)
				<-ended
			})
			return func() error {
				move(step)
				step = -step
				saw()
				return nil
			}
		}},
	}}
}

// looking returns scopes whose Done is called, if look says so.
func looking(look bool) peer.Nester {
	if !look {
		return peer.TrellisScopes
	}
	return peer.Nester{Nest: func(depth int, limit time.Duration, fn func(ctx context.Context) error) func(ctx context.Context) error {
		return peer.TrellisScopes.Nest(depth, limit, func(ctx context.Context) error {
			ctx.Done()
			return fn(ctx)
		})
	}}
}
