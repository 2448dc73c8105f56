// Package outerctx defines an analyzer that finds tasks and blocks that use a context
// from outside, although they are given one.
//
// # Analyzer outerctx
//
// outerctx: find contexts from outside in tasks and blocks
//
// A task of a nursery is given the context of the nursery. If it passes the context from
// outside of the nursery to what it calls, the task continues when another task has failed,
// and the nursery waits for it:
//
//	nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
//		n.Go(func(context.Context) error {
//			return fetch(ctx, url) // not canceled when another fetch fails
//		})
//		...
//
// The same holds for blocks with a time limit, for shields, for the functions of ForEach
// and its relatives, and for tasks of an errgroup that was made by WithContext.
//
// The analyzer reports a context that is passed to a call if the block's own context is
// derived from it by calls that the analyzer sees. It does not report
//
//   - contexts that the block's own context is not derived from;
//   - a context that is asked something (ctx.Err, context.Cause), that is made to last
//     (context.WithoutCancel), or of which only values are used (log/slog, and functions
//     that are called ...FromContext);
//   - deferred calls, and code behind a look at the block's own context (Done, Err,
//     Cause): there the author knows that the block's own context is done;
//   - in a block that uses its own context as well: calls that make something that outlives
//     the block, get both contexts, open another block, or return no error; and all calls
//     in blocks of limits, shields and scopes, which the call may be exempt from;
//   - the context of nursery.Start, which is that of the wait;
//   - contexts that the program assigns to, besides their declaration;
//   - the two contexts of serve.UntilDrain;
//   - tasks of an errgroup that use the group's context as well.
package outerctx
