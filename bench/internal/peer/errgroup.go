package peer

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Errgroup is x/sync/errgroup, with a context.
var Errgroup = Library{"errgroup", func(body Body) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		body(ctx, errgroupGroup{g})
		return g.Wait()
	}, keep
}}

type errgroupGroup struct{ *errgroup.Group }

func (g errgroupGroup) Go(t *Task) { g.Group.Go(t.err) }

// ErrgroupLoop is a group with SetLimit.
var ErrgroupLoop = Loop{"errgroup", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(limit)
		for item := range items {
			g.Go(func() error { return fn(ctx, item) })
		}
		return g.Wait()
	}, keep
}}

// ErrgroupMapper has each task write its own element, as errgroup's documentation
// does.
var ErrgroupMapper = Mapper{"errgroup", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	return func(ctx context.Context) ([]int, error) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(limit)
		results := make([]int, items)
		for item := range items {
			g.Go(func() error {
				result, err := fn(ctx, item)
				results[item] = result
				return err
			})
		}
		return results, g.Wait()
	}, keep
}}
