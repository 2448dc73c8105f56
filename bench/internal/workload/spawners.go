package workload

import (
	"context"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

const spawners = 8

// spawners: several goroutines that start tasks in one group. The body waits for
// them, because not every library allows a task to be started once it waits itself.
func (c Config) spawners() []Workload {
	task := peer.Work(c.seen(nothing))
	each := c.count(1000)
	return []Workload{{
		Name: "spawners", Title: "8 goroutines that start tasks in one group",
		Unit: "child", Units: spawners * each, Against: "errgroup",
		Entrants: grouped(taskLibraries, func(_ context.Context, g peer.Group) {
			var all sync.WaitGroup
			for range spawners {
				all.Go(func() {
					for range each {
						g.Go(task)
					}
				})
			}
			all.Wait()
		}),
	}}
}
