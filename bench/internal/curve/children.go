package curve

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

const million = 1_000_000

var libraries = []peer.Library{peer.Trellis, peer.Errgroup, peer.Raw}

func children() []Curve {
	short := Curve{
		Name: "children/work=nothing", Title: "Children that do nothing",
		Size: "children", Unit: "child", Sizes: powers(million), Costs: []Cost{Time},
		Goals: []Goal{linear("raw")},
	}
	for _, lib := range libraries {
		short.Entrants = append(short.Entrants, Entrant{lib.Name, func(size int) (Sample, error) {
			task := peer.Work(func() {})
			run, release := lib.Open(func(_ context.Context, g peer.Group) {
				for range size {
					g.Go(task)
				}
			})
			defer release()
			time, err := timed(size, func() error { return run(context.Background()) })
			return Sample{Time: time}, err
		}})
	}
	parked := Curve{
		Name: "children/work=wait", Title: "Children that all wait at the same time, started and ended",
		Size: "children", Unit: "child", Sizes: powers(million), Costs: []Cost{Time, Memory},
		// What Trellis may have for a child beside its goroutine, by the study that set
		// the goals.
		Goals: []Goal{linear("raw"), above("raw", 64)},
	}
	for _, lib := range libraries {
		parked.Entrants = append(parked.Entrants, Entrant{lib.Name, func(size int) (Sample, error) { return park(lib, size) }})
	}
	return []Curve{short, parked}
}

// park measures tasks that wait for something that is not their context. It does so
// once, because what the runtime has made for a goroutine it keeps for the next one.
func park(lib peer.Library, size int) (Sample, error) {
	var (
		ready sync.WaitGroup
		end   = make(chan struct{})
		s     Sample
		start time.Time
		took  time.Duration
	)
	task := peer.Work(func() {
		ready.Done()
		<-end
	})
	before := inUse()
	run, release := lib.Open(func(_ context.Context, g peer.Group) {
		start = time.Now()
		ready.Add(size)
		for range size {
			g.Go(task)
		}
		ready.Wait()
		took = time.Since(start)
		s.Memory = (inUse() - before) / float64(size)
		start = time.Now()
		close(end)
	})
	defer release()
	err := run(context.Background())
	s.Time = float64(took+time.Since(start)) / float64(size)
	return s, err
}

// threads: as many goroutines as threads start children in one group.
func threads() []Curve {
	c := Curve{
		Name: "threads", Title: "As many goroutines as threads start children in one group",
		Size: "GOMAXPROCS", Unit: "child", Sizes: []int{1, 2, 4, 8, 16}, Costs: []Cost{Time},
		Goals: []Goal{beside("errgroup", 1.1)},
	}
	const each = 1000
	for _, lib := range libraries {
		c.Entrants = append(c.Entrants, Entrant{lib.Name, func(size int) (Sample, error) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(size))
			task := peer.Work(func() {})
			run, release := lib.Open(func(_ context.Context, g peer.Group) {
				var starters sync.WaitGroup
				for range size {
					starters.Go(func() {
						for range each {
							g.Go(task)
						}
					})
				}
				starters.Wait()
			})
			defer release()
			time, err := timed(size*each, func() error { return run(context.Background()) })
			return Sample{Time: time}, err
		}})
	}
	return []Curve{c}
}
