package workload

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// moves: a deadline that changes while somebody waits below it. The standard library
// has no such thing: one makes a new context.
func (c Config) moves() []Workload {
	return []Workload{
		c.move("later", "move the deadline to a later time", time.Microsecond),
		c.move("earlier", "move the deadline to an earlier time", -time.Microsecond),
	}
}

// far is a deadline that no run gets near to, in steps of a microsecond.
const far = 10_000 * time.Hour

func (c Config) move(label, title string, step time.Duration) Workload {
	calls := c.count(10_000)
	saw := c.seen(nothing)
	return Workload{
		Name: "move/to=" + label, Title: title,
		Unit: "call", Units: calls, Against: "std",
		Entrants: []Entrant{
			{"trellis", func() (func(Timer) error, func()) {
				return underParent(func(ctx context.Context) error {
					s := cancelscope.Scope{Adjustable: true}
					at := time.Now().Add(far)
					s.SetDeadline(at)
					return s.Run(ctx, func(ctx context.Context) error {
						ctx.Done()
						for range calls {
							at = at.Add(step)
							s.SetDeadline(at)
							saw()
						}
						return nil
					})
				}, nothing)
			}},
			{"std", func() (func(Timer) error, func()) {
				return underParent(func(ctx context.Context) error {
					at := time.Now().Add(far)
					for range calls {
						at = at.Add(step)
						moved, cancel := context.WithDeadline(ctx, at)
						moved.Done()
						cancel()
						saw()
					}
					return nil
				}, nothing)
			}},
		},
	}
}
