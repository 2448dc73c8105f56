package bench_test

import (
	"context"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// A load is the work that each item is, and how many items there are: fewer where they
// take time, because what an item costs does not change on the way.
type load struct {
	label string
	items int
	work  func()
}

var loads = []load{
	{"nothing", 100_000, nothing},
	{"1us", 10_000, microsecond},
	{"20us", 10_000, spin(20 * time.Microsecond)},
	{"stack12KiB", 10_000, deep},
}

// loops returns a workload for each limit and load, without entrants.
func (c config) loops(name string, add func(w *workload, limit int, work func())) []workload {
	var all []workload
	for _, limit := range []int{2, 100} {
		for _, l := range loads {
			w := workload{
				name:  fmt.Sprintf("%s/limit=%d/work=%s", name, limit, l.label),
				units: c.count(l.items), cold: true,
			}
			add(&w, limit, c.seen(l.work))
			all = append(all, w)
		}
	}
	return all
}

// forEach: many items, so many at a time.
func (c config) forEach() []workload {
	return c.loops("foreach", func(w *workload, limit int, work func()) {
		for _, loop := range []peer.Loop{
			peer.TrellisLoop, peer.TrellisSeqLoop, peer.RawLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.ConcIterLoop, peer.PondLoop,
		} {
			w.entrants = append(w.entrants, entrant{loop.Name, underParent(loop.ForEach(limit, w.units, func(context.Context, int) error {
				work()
				return nil
			}))})
		}
	})
}

// mapping: the same with results, in the order of the items. Pond has nothing for it.
func (c config) mapping() []workload {
	return c.loops("map", func(w *workload, limit int, work func()) {
		for _, mapper := range []peer.Mapper{
			peer.TrellisMapper, peer.TrellisSeqMapper, peer.RawMapper, peer.ErrgroupMapper, peer.ConcIterMapper,
		} {
			run := mapper.Map(limit, w.units, func(_ context.Context, item int) (int, error) {
				work()
				return item + 1, nil
			})
			w.entrants = append(w.entrants, entrant{mapper.Name, underParent(func(ctx context.Context) error {
				results, err := run(ctx)
				if n := len(results); err == nil && (n != w.units || results[n-1] != n) {
					err = fmt.Errorf("%d results, want %d in the order of the items", n, w.units)
				}
				return err
			})})
		}
	})
}
