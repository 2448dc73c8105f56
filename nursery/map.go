package nursery

import (
	"context"
	"iter"
)

// Map is like [ForEach] for a function with a result, and returns the results in the
// order of the items, whatever the order in which they came.
//
// If the error is not nil, the results are those of the items before the first one
// that has none: the longest beginning of what would have been returned otherwise. The
// results of later items are dropped.
//
// Map panics if ctx, seq or fn is nil or limit is less than 1.
func Map[T, R any](ctx context.Context, limit int, seq iter.Seq[T], fn func(ctx context.Context, item T) (R, error)) ([]R, error) {
	checkItems("Map", ctx, limit, seq == nil, fn == nil)
	type job struct {
		item   T
		result *result[R]
	}
	var all results[R]
	jobs := func(yield func(job) bool) {
		for item := range seq {
			if !yield(job{item, all.add()}) {
				return
			}
		}
	}
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		startFeed(n, limit, jobs, func(ctx context.Context, j job) error {
			value, err := fn(ctx, j.item)
			if err == nil {
				*j.result = result[R]{value, true}
			}
			return err
		})
		return nil
	})
	return all.beginning(), err
}

// A result is that of one item.
type result[R any] struct {
	value R
	ok    bool // there is one
}

// results holds the results of items in their order. It never moves them, so that each
// can be written by the worker that has the item while more are added.
type results[R any] struct {
	chunks [][]result[R]
	count  int
}

// add adds a result that is not there yet.
func (r *results[R]) add() *result[R] {
	last := len(r.chunks) - 1
	if last < 0 || len(r.chunks[last]) == cap(r.chunks[last]) {
		r.chunks = append(r.chunks, make([]result[R], 0, max(8, min(r.count, 4096))))
		last++
	}
	chunk := append(r.chunks[last], result[R]{})
	r.chunks[last] = chunk
	r.count++
	return &chunk[len(chunk)-1]
}

// beginning returns the values of the results before the first one that is not there.
func (r *results[R]) beginning() []R {
	values := make([]R, 0, r.count)
	for _, chunk := range r.chunks {
		for i := range chunk {
			if !chunk[i].ok {
				return values
			}
			values = append(values, chunk[i].value)
		}
	}
	return values
}
