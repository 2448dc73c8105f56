package peer

import (
	"context"

	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
	"github.com/sourcegraph/conc/stream"
)

// Conc is the context pool of sourcegraph/conc, which keeps all errors and cancels at
// the first one. Its context is for the tasks alone: the body gets that from outside.
var Conc = Library{"conc", func(body Body) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		p := pool.New().WithContext(ctx).WithCancelOnError()
		body(ctx, concGroup{p})
		return p.Wait()
	}, keep
}}

type concGroup struct{ *pool.ContextPool }

func (g concGroup) Go(t *Task) { g.ContextPool.Go(t.context) }

// ConcLoop is the same pool with a limit.
var ConcLoop = Loop{"conc", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		p := pool.New().WithMaxGoroutines(limit).WithContext(ctx).WithCancelOnError()
		for item := range items {
			p.Go(func(ctx context.Context) error { return fn(ctx, item) })
		}
		return p.Wait()
	}, keep
}}

// ConcIterLoop is conc's parallel loop over a slice, which has neither errors nor a
// context. The slice is made beforehand.
var ConcIterLoop = Loop{"conc-iter", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	slice, iterator := numbers(items), iter.Iterator[int]{MaxGoroutines: limit}
	return func(ctx context.Context) error {
		iterator.ForEach(slice, func(item *int) { fn(ctx, *item) })
		return nil
	}, keep
}}

// ConcIterMapper is conc's parallel map of a slice, with errors and without a
// context.
var ConcIterMapper = Mapper{"conc-iter", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	slice, mapper := numbers(items), iter.Mapper[int, int]{MaxGoroutines: limit}
	return func(ctx context.Context) ([]int, error) {
		return mapper.MapErr(slice, func(item *int) (int, error) { return fn(ctx, *item) })
	}, keep
}}

// ConcStreamMapper is conc's ordered stream, whose callbacks collect the results.
var ConcStreamMapper = Mapper{"conc-stream", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	return func(ctx context.Context) ([]int, error) {
		var results []int
		s := stream.New().WithMaxGoroutines(limit)
		for item := range items {
			s.Go(func() stream.Callback {
				result, _ := fn(ctx, item)
				return func() { results = append(results, result) }
			})
		}
		s.Wait()
		return results, nil
	}, keep
}}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
