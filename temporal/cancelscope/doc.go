// Package cancelscope provides cancel scopes for workflow code: parts of a workflow that
// are canceled as a whole, by the workflow or by a deadline, and that absorb exactly their
// own cancellation.
//
// A [Scope] runs a block. When the block returns, the scope decides from its own state and
// that of the scopes around it what a cancellation in the block's error means. A block
// whose own scope was canceled ends without an error. A block that was canceled from
// further out returns the cancellation, so that the scope further out sees it.
//
//	var s cancelscope.Scope
//	s.SetTimeout(10 * time.Minute)
//	err := s.Run(ctx, func(ctx workflow.Context) error {
//		return waitForPayment(ctx)
//	})
//	// err is nil if the time was up; s.CanceledCaught() reports it.
//
// The rules are those of github.com/trellis-go/trellis/cancelscope, which does the same
// for goroutines. Terms: a scope is *effectively canceled* if Cancel was called on it, or
// its deadline has passed, or it is not shielded and the context around it is canceled. A
// *shield* hides the cancellations and deadlines further out from a scope.
//
//  1. Once a scope is canceled, every wait in it fails until the scope is left.
//  2. Which scope absorbs a cancellation is decided when a block ends.
//  3. A cancellation is a *temporal.CanceledError at the end of a chain of wrappers, while
//     the scope is canceled, or a [*Canceled] that began in this scope or one around it. An
//     error with a method Cancellation() bool that returns false is real, whatever it wraps.
//  4. Errors that join others are divided leaf by leaf. Real errors are never lost.
//  5. A scope never makes an error: a block that returned nil returns nil.
//  6. The first cause is kept.
//  7. Cancel before Run: the block runs, and its first wait fails. A second Run panics.
//  8. A shield hides cancellations and deadlines further out, not the scope's own.
//  9. A deadline that has passed on entry: the block runs to its first wait.
//  10. A block that panics leaves the scope.
//
// # Contexts
//
// A block gets a workflow.Context of its own, and must use it for every wait and every
// command: an activity that was started with a context further out is not canceled with the
// scope. The context is canceled when the scope is, so workflow.ExecuteActivity,
// workflow.NewTimer and child workflows stop as they do below workflow.WithCancel. What
// they cannot do is wait: Future.Get, Channel.Receive, Selector.Select ignore cancellation.
// Package wait has waits that do not.
//
// When the block has ended, its context is canceled, and with it what was started with it
// and not waited for.
//
// Contexts that the code makes with workflow.WithCancel between two scopes count: a scope
// below one is canceled when it is. Such a cancellation, and that of the workflow, reach
// the scopes below within the same workflow task, before the workflow waits for the next
// one. The functions of this module notice it at once.
//
// # Time
//
// A deadline is a timer on the server, so it wakes the workflow, also when its worker has
// died. Deadlines are compared with workflow.Now, which is the same in every replay. A
// scope that ends before its deadline cancels the timer; if that happens within one
// workflow task, the history has no trace of the timer.
//
// # Concurrency
//
// Everything here belongs to the coroutines of one workflow, of which one runs at a time.
// Nothing may be called from a goroutine, an activity, or a query handler, except
// [Scope.CanceledCaught] and [Scope.Deadline], which a query handler may call.
//
// Do not rely on the following: that a block stops because it is canceled (it is asked to,
// and Run waits for it); that a scope survives continue-as-new (nothing does: let the
// blocks end first).
package cancelscope
