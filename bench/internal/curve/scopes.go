package curve

import (
	"context"
	"sync"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// bare has no scope at all. It shows what is left of the costs without one.
var bare = peer.Nester{Name: "raw", Nest: func(_ int, _ time.Duration, fn func(context.Context) error) func(context.Context) error {
	return fn
}}

var nesters = []peer.Nester{peer.TrellisScopes, peer.StdContexts}

// scopes: many of them, one after the other, or open at the same time. Scopes that are
// open at the same time side by side need a goroutine each, with all libraries.
func scopes() []Curve {
	after := Curve{
		Name: "scopes/one=after-another", Title: "Scopes opened and left, one after the other, below one",
		Size: "scopes", Unit: "scope", Sizes: powers(million), Costs: []Cost{Time},
		Goals: []Goal{linear("std")},
	}
	for _, n := range nesters {
		after.Entrants = append(after.Entrants, Entrant{n.Name, func(size int) (Sample, error) {
			inside := n.Nest(1, 0, func(context.Context) error { return nil })
			var s Sample
			err := n.Nest(1, 0, func(ctx context.Context) (err error) {
				s.Time, err = timed(size, func() error {
					for range size {
						if err := inside(ctx); err != nil {
							return err
						}
					}
					return nil
				})
				return err
			})(context.Background())
			return s, err
		}})
	}
	return []Curve{
		after,
		together("unseen", "Scopes with deadlines, in goroutines, all open at the same time", func(context.Context) {}),
		together("seen", "The same, Done looked at in each", func(ctx context.Context) { ctx.Done() }),
	}
}

func together(label, title string, look func(ctx context.Context)) Curve {
	c := Curve{
		Name: "scopes/deadlines=all-open/done=" + label, Title: title,
		Size: "scopes", Unit: "scope", Sizes: powers(million), Costs: []Cost{Time, Memory},
		Goals: []Goal{linear("std")},
	}
	for _, n := range []peer.Nester{peer.TrellisScopes, peer.StdContexts, bare} {
		c.Entrants = append(c.Entrants, Entrant{n.Name, func(size int) (s Sample, err error) {
			err = n.Nest(1, 0, func(ctx context.Context) error {
				s = openAll(ctx, n, size, look)
				return nil
			})(context.Background())
			return s, err
		}})
	}
	return c
}

// openAll measures scopes that are opened, and left when all of them are open.
func openAll(ctx context.Context, n peer.Nester, size int, look func(ctx context.Context)) Sample {
	var ready, ended sync.WaitGroup
	end := make(chan struct{})
	scope := n.Nest(1, time.Hour, func(ctx context.Context) error {
		look(ctx)
		ready.Done()
		<-end
		return nil
	})
	before := inUse()
	start := time.Now()
	ready.Add(size)
	for range size {
		ended.Go(func() { scope(ctx) })
	}
	ready.Wait()
	took := time.Since(start)
	held := inUse() - before
	start = time.Now()
	close(end)
	ended.Wait()
	took += time.Since(start)
	return Sample{Time: float64(took) / float64(size), Memory: held / float64(size)}
}
