package curve

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/deadline"
)

// depths: calls in the innermost of many scopes.
func depths() []Curve {
	err := func(ctx context.Context) error { return ctx.Err() }
	done := func(ctx context.Context) error { ctx.Done(); return nil }
	open := func(n peer.Nester) func(ctx context.Context) error {
		return n.Nest(1, 0, func(context.Context) error { return nil })
	}
	return []Curve{
		depth("Err", "Err at some depth", 1000, err, err),
		depth("Done", "Done at some depth", 1000, done, done),
		depth("Sleep0", "Sleep of 0 at some depth", 1000, sleep(deadline.Sleep, 0), sleep(stdSleep, 0)),
		depth("Sleep", "Sleep of 1 ns at some depth", 10, sleep(deadline.Sleep, 1), sleep(stdSleep, 1)),
		depth("open", "A scope opened and left at some depth", 100, open(peer.TrellisScopes), open(peer.StdContexts)),
	}
}

func sleep(how func(ctx context.Context, d time.Duration) error, d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error { return how(ctx, d) }
}

// stdSleep is what users write without a library.
func stdSleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// depth has the number of calls that are a run, and the call with scopes and with
// contexts of the standard library.
func depth(label, title string, calls int, own, std func(ctx context.Context) error) Curve {
	c := Curve{
		Name: "depth/call=" + label, Title: title,
		Size: "depth", Unit: "call", Sizes: powers(1000), Costs: []Cost{Time},
		Goals: []Goal{flat()}, Repeat: 4,
	}
	for i, n := range nesters {
		call := [...]func(ctx context.Context) error{own, std}[i]
		c.Entrants = append(c.Entrants, Entrant{n.Name, func(size int) (Sample, error) {
			var s Sample
			err := n.Nest(size, 0, func(ctx context.Context) (err error) {
				s.Time, err = timed(calls, func() error {
					for range calls {
						if err := call(ctx); err != nil {
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
	return c
}
