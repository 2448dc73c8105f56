package nursery

import "context"

// ForEach calls fn for each of the items, for at most limit items at a time, and returns
// when all calls have. The items are a slice, a channel, a sequence or a receive
// function: see [Items].
//
//	err := nursery.ForEach(ctx, 8, urls, func(ctx context.Context, url string) error { … })
//
// ForEach is a nursery whose tasks are those calls, and what [Run] says holds here: all
// errors are returned in one [*Error], in which the task of the first item is called
// "item 0"; an item that fails cancels the others; panics and runtime.Goexit propagate to
// the caller. The items share the context of the nursery. To cancel an item alone, or
// give it a limit of its own, open a scope in fn. The text of a single failure is that of
// the error from fn alone, so fn should name the item in it. ForEach returns nil if the
// items have come to their end and every call returned nil.
//
// ForEach takes an item only when fn can be called with it at once, so it never takes
// more than limit items beyond those that are done, and gives every item that it takes to
// fn. Once an item has failed or ctx is done it takes no more. If ctx is done before the
// end of the items, ForEach has been canceled, even if no call returned an error, and the
// cancellation is returned as described at [Run]; the same holds if a channel was closed,
// or a sequence or receive function ended, after ctx was done, because ForEach cannot
// know then whether items were left. A slice has ended when all its items have been
// taken.
//
// From a channel ForEach receives under the context of the nursery, so a failure or a
// cancellation ends a wait for the next item at once.
//
// A receive function is called with the context of the nursery, by one goroutine at a
// time, and must return when that context is done. It ends the items by returning
// [io.EOF], or an error with a method Is of its own that reports true for io.EOF; an
// error that wraps io.EOF is a failure. Any other error, as well as a panic or Goexit,
// is that of a task called "receive". A value beside an error is dropped.
//
// A sequence is called in a goroutine of its own. When no more items are wanted its
// yield function returns false. While the sequence waits for its next item it does not
// notice that, unless it looks at a context itself, and ForEach returns when the
// sequence has. A panic or Goexit of the sequence is that of a task called "sequence". As
// in a range statement, the sequence panics if it continues after yield has returned false.
//
// Items share goroutines: a goroutine that has run one item may run another, so what an
// item leaves behind in its goroutine, such as pprof labels, is there for later ones.
// (In builds with the race detector every item has a goroutine of its own, so that the
// detector can see races between items.) With a limit of 1 the end of each item
// synchronizes before the start of the next; with any other limit assume no order. Neither
// fn nor a sequence may leave its goroutine locked to its thread when it returns or
// yields, because the runtime ends a program that moves a sequence between locked
// goroutines; run code that does so as a task of a nursery inside fn.
//
// ForEach panics if ctx or fn is nil, if limit is less than 1, or if the items are a nil
// function. For a limit that bounds nothing there is [NoLimit].
func ForEach[S Items[T], T any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) error) error {
	s := supplyOf[S, T]("ForEach", ctx, limit, items, fn == nil)
	return Run(ctx, func(_ context.Context, n *Nursery) error {
		if list, ok := s.slice(); ok {
			newCursor(limit, len(list), fn).begin(n, func(ctx context.Context, index int) error { return fn(ctx, list[index]) })
			return nil
		}
		startFeed(n, limit, s, fn, fn)
		return nil
	})
}

// ForN is like [ForEach] for the numbers from 0 to n-1. It is for items that write their
// results to places of their own:
//
//	err := nursery.ForN(ctx, 8, len(out), func(ctx context.Context, i int) (err error) {
//		out[i], err = fetch(ctx, urls[i])
//		return err
//	})
//
// If n is less than 1 there are no items. ForN panics if ctx or fn is nil or limit is
// less than 1.
func ForN(ctx context.Context, limit, n int, fn func(ctx context.Context, i int) error) error {
	checkItems("ForN", ctx, limit, fn == nil)
	return Run(ctx, func(_ context.Context, in *Nursery) error {
		newCursor(limit, n, fn).begin(in, fn)
		return nil
	})
}
