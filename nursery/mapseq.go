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
// the items, and keeps no more than limit of them: it never takes more than limit items
// beyond those whose results the loop has been given. Because results come in order, one
// slow item can stall the loop once limit later items have finished; [MapUnordered] does
// not wait for it.
//
//	for r, err := range nursery.MapSeq(ctx, 4, items, fn) {
//		if err != nil {
//			return err // after the last result; all that failed, and nothing runs any more
//		}
//		use(r)
//	}
//
// The loop is the body of a nursery, in which the items run. If an item fails or ctx is
// done, the loop is given the results before the first one that is missing, and then,
// when all items have ended, the error that Map would have returned, beside a zero R. All
// other errors are nil.
//
// However the loop is left early, by break, return, a panic or runtime.Goexit, the
// items are canceled and awaited before the statement ends. A panic of the loop
// propagates as it is. Errors of items are dropped then, because no code is left that
// could receive them; a panic of an item is not, unless the loop panics as well. The loop
// itself has the context that it had before: an item that fails does not cancel it.
//
// Nothing runs before the loop begins, and each loop over the same result runs all items
// anew, as far as there are any: a channel that has been received from is empty.
//
// MapSeq panics if ctx or fn is nil, if limit is less than 1, or if the items are a nil
// function.
func MapSeq[S Items[T], T, R any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) (R, error)) iter.Seq2[R, error] {
	all := supplyOf[S, T]("MapSeq", ctx, limit, items, fn == nil)
	return func(yield func(R, error) bool) { loopOver(ctx, limit, all, fn, true, yield) }
}

// MapUnordered is like [MapSeq], but gives the results in the order in which the calls of
// fn ended, so a slow item delays no other result. If an item fails or ctx is done, the
// loop is given all results that there are, also those that came after the failure, and
// the error last.
//
// MapUnordered panics if ctx or fn is nil, if limit is less than 1, or if the items are a
// nil function.
func MapUnordered[S Items[T], T, R any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) (R, error)) iter.Seq2[R, error] {
	all := supplyOf[S, T]("MapUnordered", ctx, limit, items, fn == nil)
	return func(yield func(R, error) bool) { loopOver(ctx, limit, all, fn, false, yield) }
}

// loopOver is a loop over the results of MapSeq if ordered, otherwise of MapUnordered.
func loopOver[T, R any](ctx context.Context, limit int, items supply[T], fn func(ctx context.Context, item T) (R, error), ordered bool, yield func(R, error) bool) {
	s := newStream[R](limit, ordered)
	left := false
	err := Run(ctx, func(ctx context.Context, n *Nursery) error {
		s.done = ctx.Done()
		startFeed(n, limit, jobs(items, s), fn, func(ctx context.Context, j job[T, int]) error {
			value, err := fn(ctx, j.item)
			if err == nil {
				s.set(j.place, value)
			}
			return err
		})
		for s.wait() {
			if !yield(s.next(), nil) {
				left = true
				n.scope.Cancel(errLoopLeft)
				return nil
			}
		}
		return nil
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
