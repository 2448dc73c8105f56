package workload

import (
	"context"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

const levels = 10

// nested: groups in groups, without tasks. Conc has no entry because its context
// cannot be seen without a task, ants because it has no groups.
func (c Config) nested() []Workload {
	err := func(ctx context.Context, _ peer.Group) { ctx.Err() }
	done := func(ctx context.Context, _ peer.Group) { ctx.Done() }
	none := func(context.Context, peer.Group) {}
	return []Workload{
		c.nest("err", "10 nested, Err looked at in the innermost", err, none),
		c.nest("done", "10 nested, Done looked at in the innermost", done, none),
		c.nest("everydone", "10 nested, Done looked at in each", done, done),
	}
}

// nest has the bodies of the innermost group and of those around it.
func (c Config) nest(label, title string, innermost, outer peer.Body) Workload {
	saw := c.seen(nothing)
	w := Workload{
		Name: "nested/levels=10/look=" + label, Title: title,
		Unit: "nest", Units: 1, Against: "errgroup",
	}
	for _, lib := range []peer.Library{peer.Trellis, peer.RawErrors, peer.Errgroup, peer.Pond} {
		w.Entrants = append(w.Entrants, Entrant{lib.Name, func() (func(Timer) error, func()) {
			run, release := lib.Open(func(ctx context.Context, g peer.Group) {
				innermost(ctx, g)
				saw()
			})
			for range levels - 1 {
				run, release = around(lib, outer, run, release)
			}
			return underParent(run, release)
		}})
	}
	return w
}

// around prepares a group whose body does what outer does and then runs inner.
func around(lib peer.Library, outer peer.Body, inner func(context.Context) error, releaseInner func()) (func(context.Context) error, func()) {
	run, release := lib.Open(func(ctx context.Context, g peer.Group) {
		outer(ctx, g)
		if err := inner(ctx); err != nil {
			g.Go(peer.NewTask(ctx, func(context.Context) error { return err }))
		}
	})
	return run, func() {
		release()
		releaseInner()
	}
}
