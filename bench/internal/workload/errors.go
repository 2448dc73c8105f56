package workload

import (
	"context"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// failEvery: one task in so many fails.
const failEvery = 10

// errors: many failures in one group. Errgroup keeps the first one only, the others
// all of them; multierror ends nobody else. Pond has no entry, because it skips the tasks after the first failure.
func (c Config) errors() []Workload {
	saw := c.seen(nothing)
	count := c.count(10_000)
	pass := peer.Work(saw)
	return []Workload{{
		Name: "errors", Title: "1,000 errors among 10,000 children",
		Unit: "group", Units: 1, Fails: true, Against: "errgroup",
		Entrants: grouped([]peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Conc, peer.AntsErrors, peer.Multierror}, func(ctx context.Context, g peer.Group) {
			fail := peer.NewTask(ctx, func(context.Context) error {
				saw()
				return errWork
			})
			for i := range count {
				if i%failEvery == 0 {
					g.Go(fail)
				} else {
					g.Go(pass)
				}
			}
		}),
	}}
}
