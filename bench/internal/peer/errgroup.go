package peer

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Errgroup is x/sync/errgroup, with a context.
var Errgroup = Library{"errgroup", func(body Body) func(context.Context) error {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		body(ctx, errgroupGroup{g})
		return g.Wait()
	}
}}

type errgroupGroup struct{ *errgroup.Group }

func (g errgroupGroup) Go(t *Task) { g.Group.Go(t.err) }

// ErrgroupLoop is a group with SetLimit.
var ErrgroupLoop = Loop{"errgroup", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(limit)
		for item := range items {
			g.Go(func() error { return fn(ctx, item) })
		}
		return g.Wait()
	}
}}
