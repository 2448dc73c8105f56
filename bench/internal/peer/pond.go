package peer

import (
	"context"

	"github.com/alitto/pond/v2"
)

// Pond is a task group of a pool of alitto/pond that has no limit. A program has one
// such pool, so it is made beforehand.
//
// After a failure the group skips its tasks that have not begun.
var Pond = Library{"pond", func(body Body) (func(context.Context) error, func()) {
	pool := pond.NewPool(0)
	return func(ctx context.Context) error {
		g := pool.NewGroupContext(ctx)
		body(g.Context(), pondGroup{g})
		return pondWait(g)
	}, pool.StopAndWait
}}

type pondGroup struct{ pond.TaskGroup }

func (g pondGroup) Go(t *Task) { g.SubmitErr(t.err) }

// pondWait also stops the group: otherwise its context would stay below ctx for ever,
// and each group make the next one slower.
func pondWait(g pond.TaskGroup) error {
	err := g.Wait()
	g.Stop()
	return err
}

// PondLoop is a task group of a pool with a limit. The pool's queue is without one.
var PondLoop = Loop{"pond", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	pool := pond.NewPool(limit)
	return func(ctx context.Context) error {
		g := pool.NewGroupContext(ctx)
		ctx = g.Context()
		for item := range items {
			g.SubmitErr(func() error { return fn(ctx, item) })
		}
		return pondWait(g)
	}, pool.StopAndWait
}}
