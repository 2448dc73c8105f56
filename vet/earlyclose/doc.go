// Package earlyclose defines an analyzer that finds resources which the body of a nursery
// closes while tasks use them.
//
// # Analyzer earlyclose
//
// earlyclose: find resources closed by the body of a nursery while tasks use them
//
// The deferred calls of a nursery's body run when the body has returned. The tasks may
// run on, because only nursery.Run waits for them:
//
//	nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		f, err := os.Open(name)
//		if err != nil {
//			return err
//		}
//		defer f.Close() // before the tasks have read it
//		n.Go(func(ctx context.Context) error { return read(ctx, f) })
//		return nil
//	})
//
// Open and close it outside of nursery.Run.
//
// The analyzer reports a deferred x.Close(), os.Remove(x) or os.RemoveAll(x) in the body if
// a task that the body starts uses x, and a deferred close(ch) if such a task sends on
// ch. It reports nothing if the body waits for anything: for a task, for a WaitGroup, on
// a channel, in a call that is given a context or the nursery. The wait may be for the
// task, and closing may be the way to end it.
package earlyclose
