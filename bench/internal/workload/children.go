package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// taskLibraries run tasks that do not fail.
var taskLibraries = []peer.Library{peer.Trellis, peer.Raw, peer.Errgroup, peer.Conc, peer.Pond, peer.Ants, peer.Multierror}

// children: so many tasks in a group, all started by its body.
func (c Config) children() []Workload {
	return []Workload{
		c.some(1, "nothing", "1 no-op child", nothing),
		c.some(10, "nothing", "10 no-op children", nothing),
		c.some(100, "nothing", "100 no-op children", nothing),
		c.some(10_000, "nothing", "10,000 no-op children", nothing),
		c.some(1000, "1us", "1,000 children of 1 µs", spin(time.Microsecond)),
		c.some(1000, "stack12KiB", "1,000 children with a stack of 12 KiB", deep),
	}
}

func (c Config) some(count int, label, title string, work func()) Workload {
	task := peer.Work(c.seen(work))
	name := fmt.Sprintf("children/count=%d/work=%s", count, label)
	count = c.count(count)
	return Workload{
		Name: name, Title: title,
		Unit: "group", Units: 1, Against: "errgroup",
		Entrants: grouped(taskLibraries, func(_ context.Context, g peer.Group) {
			for range count {
				g.Go(task)
			}
		}),
	}
}
