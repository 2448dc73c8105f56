package nursery

import (
	"context"
	"errors"
	"iter"
)

// errLoopLeft is the reason for which what runs for a loop is canceled when the loop
// has been left.
var errLoopLeft = errors.New("the loop over the results has been left")

// MapSeq is like [Map], but gives the results to a loop as they come, in the order of
// the items, and keeps no more than limit of them: seq is never more than limit items
// ahead of those whose results the loop has been given. An item that takes long so
// holds up the others when there are limit of them.
//
//	for r, err := range nursery.MapSeq(ctx, 4, seq, fn) {
//		if err != nil {
//			return err // after the last result; all that failed, and nothing runs any more
//		}
//		use(r)
//	}
//
// The loop is the body of a nursery, in which the items run. If an item fails or ctx is
// done, the loop is given the results before the first one that is missing, and then,
// when all have ended, the error that Map would have returned, beside a zero R. All
// other errors are nil.
//
// However the loop is left early, by break, return, a panic or runtime.Goexit, the
// items are canceled and awaited before the statement ends. A panic of the loop goes
// on as it is. There is nobody then to hear of errors, and they are dropped; panics of
// items are not. The loop itself has the context that it had before: an item that fails
// does not cancel it.
//
// Nothing runs before the loop begins, and each loop over the same result runs all
// anew. For results in the order in which they come, let fn of ForEach send them to a
// channel.
//
// MapSeq panics if ctx, seq or fn is nil or limit is less than 1.
func MapSeq[T, R any](ctx context.Context, limit int, seq iter.Seq[T], fn func(ctx context.Context, item T) (R, error)) iter.Seq2[R, error] {
	checkItems("MapSeq", ctx, limit, seq == nil, fn == nil)
	return func(yield func(R, error) bool) {
		s := stream[R]{
			room: make(chan struct{}, limit),
			wake: make(chan struct{}, 1),
		}
		left := false
		err := Run(ctx, func(ctx context.Context, n *Nursery) error {
			startFeed(n, limit, numbered(ctx, &s, seq), func(ctx context.Context, j job[T]) error {
				value, err := fn(ctx, j.item)
				if err == nil {
					s.set(j.index, value)
				}
				return err
			})
			for s.wait(ctx) {
				if !yield(s.next(), nil) {
					left = true
					n.scope.Cancel(errLoopLeft)
					return nil
				}
			}
			return s.cut(n)
		})
		if left {
			return
		}
		for s.ready() {
			if !yield(s.next(), nil) {
				return
			}
		}
		if err != nil {
			var none R
			yield(none, err)
		}
	}
}
