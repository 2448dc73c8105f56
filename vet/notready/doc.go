// Package notready defines an analyzer that finds tasks of nursery.Start which end well
// without having said that they are ready.
//
// # Analyzer notready
//
// notready: find tasks of Start that may return nil before they call started
//
// nursery.Start waits until its task calls the function started. If the task returns nil
// before, Start fails:
//
//	nursery.Start(ctx, n, "server", func(ctx context.Context, started func(string)) error {
//		if disabled {
//			return nil // Start returns ErrNotStarted
//		}
//		...
//
// The analyzer reports a function literal that does not mention started, and a return of
// nil, or the end of the literal, that can be reached without passing a mention of it. It
// is off by default: the condition of a loop or a branch may exclude this path.
package notready
