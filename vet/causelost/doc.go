// Package causelost defines an analyzer that finds errors which hide that something was
// canceled.
//
// # Analyzer causelost
//
// causelost: find errors that hide a cancellation
//
// A scope recognizes a cancellation by the error that it finds at the end of the chain.
// An error that only has the text of a cancellation counts as a failure, and errors.Is
// does not find the reason. In tasks and blocks of Trellis the analyzer reports
//
//   - fmt.Errorf with %v or %s for ctx.Err() or context.Cause(ctx): use %w;
//   - errors.New with the text of ctx.Err(), ctx.Err().Error() in another error;
//   - a case <-ctx.Done() that returns an error made by errors.New, or by fmt.Errorf
//     without %w.
//
// It is off by default: the author may want a failure.
package causelost
