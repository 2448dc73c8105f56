// Package cleanupctx defines an analyzer that finds clean-up which uses a context that
// is canceled by then.
//
// # Analyzer cleanupctx
//
// cleanupctx: find deferred clean-up with the context of the task
//
// When a task or a block is canceled, its context stays canceled until it has ended. A
// deferred call with this context then fails at once, and does not clean up:
//
//	n.Go(func(ctx context.Context) error {
//		lock, err := acquire(ctx)
//		if err != nil {
//			return err
//		}
//		defer lock.Release(ctx) // does nothing when the task was canceled
//
// cancelscope.Cleanup gives the deferred call a context that is not canceled, with a
// limit:
//
//	defer cancelscope.Cleanup(ctx, &err, time.Second, lock.Release)
//
// The analyzer reports a deferred call, or a call in a deferred function literal, that
// gets the block's own context, or one derived from it in the literal, as its first
// argument, returns an error, and has a name that says that it gives something back:
// Close, Shutdown, Rollback, Release, Unlock, Delete, Remove, Revoke and some more. It
// reports nothing where the context is one of context.WithoutCancel, or was not given to
// the block by a function of Trellis or by errgroup.
package cleanupctx
