package nursery

import (
	"context"
	"slices"
)

// Map is like [ForEach] for a function with a result, and returns the results in the
// order of the items, whatever the order in which the calls ended.
//
// If the error is not nil, the results are those of the items before the first one
// that has none: the longest beginning of what would have been returned otherwise. The
// results of later items are dropped.
//
// Map panics if ctx or fn is nil, if limit is less than 1, or if the items are a nil
// function.
func Map[S Items[T], T, R any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) (R, error)) ([]R, error) {
	s := supplyOf[S, T]("Map", ctx, limit, items, fn == nil)
	if list, ok := s.slice(); ok {
		return mapSlice(ctx, limit, list, fn)
	}
	var all results[R]
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		startFeed(n, limit, jobs(s, &all), fn, func(ctx context.Context, j job[T, *result[R]]) error {
			value, err := fn(ctx, j.item)
			if err == nil {
				*j.place = result[R]{value, true}
			}
			return err
		})
		return nil
	})
	return all.beginning(), err
}

// mapSlice is Map for a slice. The results are written where they are returned.
func mapSlice[T, R any](ctx context.Context, limit int, list []T, fn func(ctx context.Context, item T) (R, error)) ([]R, error) {
	values := make([]R, len(list))
	c := newCursor(limit, len(list), fn)
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		c.begin(n, func(ctx context.Context, index int) error {
			value, err := fn(ctx, list[index])
			if err != nil {
				c.miss(index)
				return err
			}
			values[index] = value
			return nil
		})
		return nil
	})
	beginning := c.missing.Load()
	clear(values[beginning:]) // what they refer to need not be kept
	return values[:beginning:beginning], err
}

// A result is that of one item.
type result[R any] struct {
	value R
	ok    bool // there is one
}

// results holds the results of items in their order. It never moves them, so that each
// can be written by the worker that has the item while more are added. One goroutine at a
// time adds, and they are read when the nursery has closed.
type results[R any] struct {
	chunks [][]result[R]
	count  int
}

// reserve and end are for the admission of items: there may be any number of results.
func (r *results[R]) reserve() bool { return true }
func (r *results[R]) end()          {}

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
				return slices.Clip(values)
			}
			values = append(values, chunk[i].value)
		}
	}
	return values
}
