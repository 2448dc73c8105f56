package curve

import (
	"context"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// lifetimes: what a group holds after it has run very many short children. They run a
// few at a time, because the runtime keeps what it has made for a goroutine.
func lifetimes() []Curve {
	const atATime = 100
	c := Curve{
		Name: "lifetime", Title: "What a group has grown by, after children that have ended",
		Size: "children", Unit: "group", Sizes: []int{100, 10_000, million, 100 * million}, Costs: []Cost{Memory},
		Once: true,
		// Less than a byte for each thousand of a million children. What the runtime
		// does by the way makes some thousand bytes.
		Goals: []Goal{{
			Text: "bytes, after the most children", Cost: Memory, Max: 1 << 16,
			Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
				return cost(own, last(sizes))
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
				before := live()
				for range size / atATime {
					batch()
				}
				s.Memory = live() - before
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
