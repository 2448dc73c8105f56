// Package deadtimeout defines an analyzer that finds time limits which can limit nothing.
//
// # Analyzer deadtimeout
//
// deadtimeout: find limits whose block does not use its context
//
// A time limit ends a block by canceling the block's context. If the block does not use
// this context, the limit has no effect, however long the block takes:
//
//	deadline.FailAfter(ctx, time.Second, func(context.Context) error {
//		return fetch(ctx, url) // or time.Sleep, or anything else
//	})
//
// The analyzer reports limits of package deadline whose function literal does not use
// its context, unless the block contains no call, no loop and no channel operation; and
// deadline.Limit, context.WithTimeout and context.WithDeadline if the context that they
// return is dropped, or assigned to a variable that is not used afterwards, and the next
// statement defers the end of the limit, which nothing else calls. It reports nothing where the limit's scope is a variable that the block may use.
package deadtimeout
