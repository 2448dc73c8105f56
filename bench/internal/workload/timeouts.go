package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// nesters are compared in all workloads of scopes.
var nesters = []peer.Nester{peer.TrellisScopes, peer.StdContexts}

// timeouts: time limits that are not reached.
func (c Config) timeouts() []Workload {
	saw := c.seen(nothing)
	timeout := func(depth int, label, title string, look func(ctx context.Context)) Workload {
		w := Workload{
			Name: fmt.Sprintf("timeout/depth=%d/done=%s", depth, label), Title: title,
			Unit: "nest", Units: 1, Against: "std",
		}
		for _, n := range nesters {
			w.Entrants = append(w.Entrants, Entrant{n.Name, func() (func(Timer) error, func()) {
				return underParent(n.Nest(depth, time.Hour, func(ctx context.Context) error {
					look(ctx)
					saw()
					return nil
				}), nothing)
			}})
		}
		return w
	}
	unseen := func(context.Context) {}
	seen := func(ctx context.Context) { ctx.Done() }
	return []Workload{
		timeout(1, "unseen", "timeout that does not fire, context not looked at", unseen),
		timeout(1, "seen", "timeout that does not fire, Done looked at", seen),
		timeout(10, "seen", "10 nested timeouts, Done looked at in the innermost", seen),
	}
}
