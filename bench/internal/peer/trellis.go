package peer

import (
	"context"
	"iter"

	"github.com/trellis-go/trellis/nursery"
)

// Trellis is package nursery.
var Trellis = Library{"trellis", func(body Body) func(context.Context) error {
	in := func(ctx context.Context, n *nursery.Nursery) error {
		body(ctx, nurseryGroup{n})
		return nil
	}
	return func(ctx context.Context) error { return nursery.Run(ctx, in) }
}}

type nurseryGroup struct{ *nursery.Nursery }

func (g nurseryGroup) Go(t *Task) { g.Nursery.Go(t.context) }

// TrellisLoop is nursery.ForEach over a slice.
var TrellisLoop = Loop{"trellis", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	slice := numbers(items)
	return func(ctx context.Context) error { return nursery.ForEach(ctx, limit, slice, fn) }
}}

// TrellisSeqLoop is nursery.ForEach over a sequence.
var TrellisSeqLoop = Loop{"trellis-seq", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error { return nursery.ForEach(ctx, limit, upTo(items), fn) }
}}

// TrellisMapper is nursery.Map over a slice.
var TrellisMapper = Mapper{"trellis", func(limit, items int, fn func(context.Context, int) (int, error)) func(context.Context) ([]int, error) {
	slice := numbers(items)
	return func(ctx context.Context) ([]int, error) { return nursery.Map(ctx, limit, slice, fn) }
}}

// TrellisSeqMapper is nursery.MapSeq over a sequence, whose results a loop collects.
var TrellisSeqMapper = Mapper{"trellis-seq", func(limit, items int, fn func(context.Context, int) (int, error)) func(context.Context) ([]int, error) {
	return func(ctx context.Context) ([]int, error) {
		var results []int
		for result, err := range nursery.MapSeq(ctx, limit, upTo(items), fn) {
			if err != nil {
				return results, err
			}
			results = append(results, result)
		}
		return results, nil
	}
}}

// upTo is the sequence of the numbers from 0 to n-1.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
