package workload

import (
	"context"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// open: groups without tasks. There is nothing to open in a WaitGroup or in a pool
// that lasts, so raw has a context here and ants has no entry.
func (c Config) open() []Workload {
	saw := c.seen(nothing)
	empty := func(context.Context, peer.Group) { saw() }
	look := func(ctx context.Context, _ peer.Group) {
		ctx.Done()
		saw()
	}
	return []Workload{{
		Name: "open/done=unseen", Title: "open and close, empty",
		Unit: "group", Units: 1, Against: "errgroup",
		Entrants: grouped([]peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Conc, peer.Pond}, empty),
	}, {
		Name: "open/done=seen", Title: "open and close, Done looked at once",
		Unit: "group", Units: 1, Against: "errgroup",
		// Not conc: its context cannot be seen without a task.
		Entrants: grouped([]peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Pond}, look),
	}}
}
