// Package swallow defines an analyzer that finds tasks and blocks which return nil when
// they are canceled.
//
// # Analyzer swallow
//
// swallow: find cancellations that become success
//
// A task or block that was canceled should return the error that says so. If it returns
// nil, its nursery or limit takes it for work that was done: deadline.FailAfter returns
// nil although the time was up. The analyzer reports, in tasks and blocks of Trellis that
// return an error alone, a return of nil
//
//   - in a case <-ctx.Done() of a select, or directly after a receive from ctx.Done();
//   - where ctx.Err() or context.Cause(ctx) is not nil;
//   - where errors.Is finds context.Canceled or context.DeadlineExceeded.
//
// It is off by default: a task that runs until it is canceled may well return nil.
package swallow
