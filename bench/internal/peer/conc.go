package peer

import (
	"context"

	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
)

// Conc is the context pool of sourcegraph/conc, which keeps all errors and cancels at
// the first one. Only its tasks get its context: the body gets the one outside.
var Conc = Library{"conc", func(body Body) func(context.Context) error {
	return func(ctx context.Context) error {
		p := pool.New().WithContext(ctx).WithCancelOnError()
		body(ctx, concGroup{p})
		return p.Wait()
	}
}}

type concGroup struct{ *pool.ContextPool }

func (g concGroup) Go(t *Task) { g.ContextPool.Go(t.context) }

// ConcLoop is the same pool with a limit.
var ConcLoop = Loop{"conc", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		p := pool.New().WithMaxGoroutines(limit).WithContext(ctx).WithCancelOnError()
		for item := range items {
			p.Go(func(ctx context.Context) error { return fn(ctx, item) })
		}
		return p.Wait()
	}
}}

// ConcIterLoop is conc's parallel loop over a slice, which has neither errors nor a
// context.
var ConcIterLoop = Loop{"conc-iter", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	slice, iterator := numbers(items), iter.Iterator[int]{MaxGoroutines: limit}
	return func(ctx context.Context) error {
		iterator.ForEach(slice, func(item *int) { fn(ctx, *item) })
		return nil
	}
}}

// ConcIterMapper is conc's parallel map of a slice, with errors and without a
// context.
var ConcIterMapper = Mapper{"conc-iter", func(limit, items int, fn func(context.Context, int) (int, error)) func(context.Context) ([]int, error) {
	slice, mapper := numbers(items), iter.Mapper[int, int]{MaxGoroutines: limit}
	return func(ctx context.Context) ([]int, error) {
		return mapper.MapErr(slice, func(item *int) (int, error) { return fn(ctx, *item) })
	}
}}
