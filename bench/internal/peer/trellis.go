package peer

import (
	"context"
	"iter"

	"github.com/trellis-go/trellis/nursery"
)

// Trellis is package nursery.
var Trellis = Library{"trellis", func(body Body) (func(context.Context) error, func()) {
	in := func(ctx context.Context, n *nursery.Nursery) error {
		body(ctx, nurseryGroup{n})
		return nil
	}
	return func(ctx context.Context) error { return nursery.Run(ctx, in) }, keep
}}

type nurseryGroup struct{ *nursery.Nursery }

func (g nurseryGroup) Go(t *Task) { g.Nursery.Go(t.context) }

// TrellisLoop is nursery.ForEach.
var TrellisLoop = Loop{"trellis", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		return nursery.ForEach(ctx, limit, upTo(items), fn)
	}, keep
}}

// TrellisMapper is nursery.Map.
var TrellisMapper = Mapper{"trellis", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	return func(ctx context.Context) ([]int, error) {
		return nursery.Map(ctx, limit, upTo(items), fn)
	}, keep
}}

// TrellisSeqMapper is nursery.MapSeq, whose results a loop collects.
var TrellisSeqMapper = Mapper{"trellis-seq", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	return func(ctx context.Context) ([]int, error) {
		var results []int
		for result, err := range nursery.MapSeq(ctx, limit, upTo(items), fn) {
			if err != nil {
				return results, err
			}
			results = append(results, result)
		}
		return results, nil
	}, keep
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
