package workload

import (
	"context"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// parked: from the failure of one task to the end of the group, where all others wait
// for the cancellation. The start of the tasks is not measured.
func (c Config) parked() []Workload {
	w := Workload{
		Name: "parked", Title: "100,000 parked children, from a failure to the end",
		Unit: "child", Units: c.count(100_000), Fails: true, Against: "errgroup",
		cold: true,
	}
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Conc, peer.Pond, peer.AntsErrors} {
		w.Entrants = append(w.Entrants, Entrant{lib.Name, func() (func(Timer) error, func()) {
			var timer Timer // of the run that is under way
			run, release := underParent(lib.Open(func(ctx context.Context, g peer.Group) {
				c.park(ctx, g, w.Units)
				timer.StartTimer()
				g.Go(peer.NewTask(ctx, func(context.Context) error { return errWork }))
			}))
			return func(t Timer) error {
				timer = t
				t.StopTimer()
				return run(t)
			}, release
		}})
	}
	return []Workload{w}
}

// park returns when so many tasks wait for the end of the context of their group.
func (c Config) park(ctx context.Context, g peer.Group, count int) {
	saw := c.seen(nothing)
	var parked sync.WaitGroup
	parked.Add(count)
	wait := peer.NewTask(ctx, func(ctx context.Context) error {
		done := ctx.Done()
		saw()
		parked.Done()
		<-done
		return ctx.Err()
	})
	for range count {
		g.Go(wait)
	}
	parked.Wait()
	runtime.Gosched() // the last ones still have to get to the channel
}
