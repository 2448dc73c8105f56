package curve

import (
	"context"
	"math"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// lifetimes: what there is on the heap of a process whose group is open and has run very
// many short children. They run a few at a time, because the runtime keeps what it has
// made for a goroutine.
func lifetimes() []Curve {
	const atATime = 100
	c := Curve{
		Name: "lifetime", Title: "The process with its group, after children that have ended",
		Size: "children", Unit: "process", Sizes: []int{100, 10_000, million, 100 * million}, Costs: []Cost{Memory},
		Once: true,
		// Less than a thousandth of a byte for each child. What the runtime does by the
		// way makes some thousand bytes.
		Goals: []Goal{{
			Text: "bytes more after the most children than after the fewest", Cost: Memory, Max: 1 << 16,
			Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
				if len(sizes) == 1 {
					return math.NaN()
				}
				return cost(own, last(sizes)) - cost(own, sizes[0])
			},
		}},
	}
	for _, lib := range []peer.Library{peer.Trellis, peer.Raw} {
		c.Entrants = append(c.Entrants, Entrant{lib.Name, func(size int) (s Sample, err error) {
			var ended sync.WaitGroup
			task := peer.Work(ended.Done)
			run, release := lib.Open(func(_ context.Context, g peer.Group) {
				batch := func() {
					ended.Add(atATime)
					for range atATime {
						g.Go(task)
					}
					ended.Wait()
					runtime.Gosched() // the last ones may have to leave yet
				}
				crowd(g, 10*atATime) // more than can overlap below
				batch()
				for range size / atATime {
					batch()
				}
				s.Memory = live()
			})
			defer release()
			return s, run(context.Background())
		}})
	}
	return []Curve{c}
}

// crowd makes so many tasks be there at the same time.
func crowd(g peer.Group, size int) {
	var ready, ended sync.WaitGroup
	end := make(chan struct{})
	wait := peer.Work(func() {
		ready.Done()
		<-end
		ended.Done()
	})
	ready.Add(size)
	ended.Add(size)
	for range size {
		g.Go(wait)
	}
	ready.Wait()
	close(end)
	ended.Wait()
}
