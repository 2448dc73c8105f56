package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/bench/internal/figures"
	"github.com/trellis-go/trellis/bench/internal/peer"
)

// A load is the work that each item is.
type load struct {
	label, title string
	work         func()
}

var (
	noLoad = load{"nothing", "no-op", nothing}
	loads  = []load{
		noLoad,
		{"1us", "1 µs", spin(time.Microsecond)},
		{"20us", "20 µs", spin(20 * time.Microsecond)},
		{"stack12KiB", "12 KiB stack", deep},
	}
)

// items says how many items there are. Where they take time, a tenth of them tells as
// much: what an item costs does not change on the way.
func (c Config) items(l load) int {
	const all = 100_000
	if c.Full || l.label == noLoad.label {
		return c.count(all)
	}
	return c.count(all / 10)
}

// forEach: many items, so many at a time.
func (c Config) forEach() []Workload {
	loops := []peer.Loop{peer.TrellisLoop, peer.RawLoop, peer.ErrgroupLoop, peer.ConcLoop, peer.ConcIterLoop, peer.PondLoop, peer.AntsLoop, peer.WorkerpoolLoop, peer.SemaphoreLoop}
	var all []Workload
	for _, limit := range []int{2, 100} {
		for _, load := range loads {
			w, work := c.loop("foreach", "ForEach", limit, load)
			for _, loop := range loops {
				w.Entrants = append(w.Entrants, Entrant{loop.Name, func() (func(Timer) error, func()) {
					return underParent(loop.ForEach(limit, w.Units, func(context.Context, int) error {
						work()
						return nil
					}))
				}})
			}
			all = append(all, w)
		}
	}
	return all
}

// mapping: the same with results, in the order of the items. Pond and ants have
// nothing for it.
func (c Config) mapping() []Workload {
	mappers := []peer.Mapper{peer.TrellisMapper, peer.TrellisSeqMapper, peer.RawMapper, peer.ErrgroupMapper, peer.ConcIterMapper, peer.ConcStreamMapper}
	var all []Workload
	for _, limit := range []int{2, 100} {
		for _, load := range loads {
			w, work := c.loop("map", "Map", limit, load)
			for _, mapper := range mappers {
				w.Entrants = append(w.Entrants, Entrant{mapper.Name, func() (func(Timer) error, func()) {
					run, release := mapper.Map(limit, w.Units, func(_ context.Context, item int) (int, error) {
						work()
						return item + 1, nil
					})
					return underParent(func(ctx context.Context) error {
						results, err := run(ctx)
						if last := len(results) - 1; err == nil && (last != w.Units-1 || results[last] != w.Units) {
							err = fmt.Errorf("the results of Map end with number %d, want %d", last, w.Units-1)
						}
						return err
					}, release)
				}})
			}
			all = append(all, w)
		}
	}
	return all
}

func (c Config) loop(name, title string, limit int, l load) (w Workload, work func()) {
	items := c.items(l)
	return Workload{
		Name:  fmt.Sprintf("%s/limit=%d/work=%s", name, limit, l.label),
		Title: fmt.Sprintf("%s of %s items, limit %d: %s", title, figures.Thousands(items), limit, l.title),
		Unit:  "item", Units: items, Against: "errgroup",
		cold: true,
	}, c.seen(l.work)
}
