// Package cancelscope provides cancel scopes: parts of a program that can be
// canceled as a whole, from any goroutine or by a deadline, and that absorb
// exactly their own cancellation. It brings the cancel scopes of Python's Trio to
// plain contexts and errors.
//
// A function that is canceled learns of it through its context, as everywhere in
// Go, and returns an error that says so. What context.WithCancel leaves open is
// where that error ends: somebody has to decide whether "context canceled" means
// that the work was called off on purpose or that the surroundings are going down
// as well. A [Scope] decides it by Trio's rule, from the state of the tree of
// scopes when the block ends. A block whose own scope was canceled ends without
// an error; one whose surroundings were canceled hands the cancellation on, up to
// the scope that it belongs to.
//
//	var s cancelscope.Scope
//	go func() { <-enough; s.Cancel(nil) }()
//	err := s.Run(ctx, func(ctx context.Context) error {
//		return search(ctx) // returns ctx.Err() when it is interrupted
//	})
//	// err is nil if the search was called off; s.CanceledCaught() tells.
//
// Scopes nest, through contexts. A scope can be shielded, so that clean-up is not
// canceled with the work it follows ([Shield]), and can have a deadline that
// moves while it runs (package deadline has the usual forms).
//
// # The context of a scope
//
// The context that a block gets is an ordinary one. Its Err is exactly
// context.Canceled or context.DeadlineExceeded, and context.Cause gives the reason, a
// [*Canceled] if a scope was canceled. Cancellation is level-triggered: once a scope is
// canceled, every wait in it fails until the scope is left, so clean-up that waits needs
// a shield. Contexts of the standard library that are derived from the context of a
// scope attach to it without a goroutine, also with values in between. Contexts between
// two scopes count: if a context.WithTimeout between them expires, the inner scope sees
// its parent canceled.
//
// When a context of the standard library outside is canceled, context.Cause gives that
// context's own cause, as it does everywhere in the standard library. [Scope.Cause], and
// the error that leaves the scope, keep the [*Canceled] of kind [ByParent], whose Reason
// is that cause.
//
// A deadline counts from the instant that it has passed. Err, Done and Cause do not wait
// for a timer to be served. They read the clock only if a deadline in sight is near, or
// if the context has been asked less than some sixteen times. Timers run only below a
// context that was asked for Done, or was asked that often.
//
// A deadline that was set before Run ends the contexts below with
// context.DeadlineExceeded. A deadline that was set, or moved, while the scope ran ends
// them with context.Canceled, unless the scope is [Scope.Adjustable]; the cause is a
// [*Canceled] of kind [ByDeadline] in any case, for which errors.Is(err,
// context.DeadlineExceeded) is true.
//
// When the block has ended, its context is done, with a cause of kind [ByExit]. (Below
// the functions of package deadline, contexts that outlive the block have the cause
// context.Canceled instead.)
//
// # Concurrency
//
// All methods of a Scope and of its context may be called by any number of goroutines.
//
// When [Scope.Cancel] returns, Err of the contexts of all scopes inside is not nil,
// their Done channels are closed, and contexts derived from them are done; except below
// a shield. What happened before a call of Cancel synchronizes before what comes after
// the receipt from a Done channel that it closed, and after an Err that is not nil
// because of it. The first cause is kept for good.
//
// When the cancel function of a context of the standard library has returned, Done
// channels of all scopes below that had been asked for are closed, and contexts derived
// from them are done, through any number of scopes, nurseries and values in between. No
// goroutine is started for it. Exceptions: in these scopes, and in scopes inside them,
// Err says so at once, and Done channels that were asked for earlier, and contexts
// derived from them, follow from another goroutine, as a function given to
// context.AfterFunc does:
//
//   - a scope that is Adjustable
//   - a task in nursery.Start that has not called started, and one whose Done was asked
//     for before it did
//   - a scope with a shield that is taken off after Done was asked for, of its context
//     or of one inside
//   - a scope inside a context that is neither of the standard library nor of this
//     package, and has a Done channel of its own
//
// Do not rely on:
//
//   - a block that is canceled stopping. It is asked to stop, and Run waits for it.
//   - the Deadline method of the context of a scope that is Adjustable: it leaves out the
//     deadline of that scope, because that may move. See deadline.Effective.
package cancelscope
