package peer

import (
	"context"

	"github.com/alitto/pond/v2"
)

// pondPool is without a limit. A program has one such pool, so no group makes its own.
var pondPool = pond.NewPool(0)

// Pond is a task group of a pool of alitto/pond. After a failure the group skips its
// tasks that have not begun.
var Pond = Library{"pond", func(body Body) func(context.Context) error {
	return func(ctx context.Context) error {
		g := pondPool.NewGroupContext(ctx)
		body(g.Context(), pondGroup{g})
		return pondWait(g)
	}
}}

type pondGroup struct{ pond.TaskGroup }

func (g pondGroup) Go(t *Task) { g.SubmitErr(t.err) }

// pondWait also stops the group: otherwise its context would stay below its parent
// for ever, and each group would make the next one slower.
func pondWait(g pond.TaskGroup) error {
	err := g.Wait()
	g.Stop()
	return err
}

// PondLoop is a task group of a pool with a limit. The queue of the pool has none.
var PondLoop = Loop{"pond", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		pool := pond.NewPool(limit)
		defer pool.StopAndWait()
		g := pool.NewGroupContext(ctx)
		ctx = g.Context()
		for item := range items {
			g.SubmitErr(func() error { return fn(ctx, item) })
		}
		return pondWait(g)
	}
}}
