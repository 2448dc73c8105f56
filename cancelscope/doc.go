// Package cancelscope provides cancel scopes. A cancel scope is a part of a program
// that can be canceled as a whole, from any goroutine or by a deadline, and that absorbs
// its own cancellation and no other. It works with plain contexts and errors. (The
// idea and the name come from [Trio], a library for Python.)
//
// A function that is canceled learns of it through its context, and returns an error
// that says so. With context.WithCancel alone, each caller has to find out whether
// "context canceled" means that the work was called off on purpose, or that the caller
// itself is being canceled. A [Scope] finds out when its block ends. If the scope was
// canceled and its parent was not, the block ends without an error. If the parent was
// canceled as well, the cancellation is returned, so that the parent sees it.
//
//	var s cancelscope.Scope
//	go func() { <-enough; s.Cancel(nil) }()
//	err := s.Run(ctx, func(ctx context.Context) error {
//		return search(ctx) // returns ctx.Err() when it is interrupted
//	})
//	// err is nil if the search was called off; s.CanceledCaught() is true then.
//
// Scopes nest, through contexts. A scope can be shielded, so that clean-up is not
// canceled with the work it follows ([Shield], [Cleanup]), and can have a deadline that
// moves while it runs (package deadline has the usual forms).
//
// # Rules
//
// A scope is effectively canceled if Cancel was called on it, or its deadline has
// passed, or it is not shielded and its parent context is done.
//
//  1. Once a scope is effectively canceled, every wait in it fails until the block has
//     ended, and not only the first one.
//  2. Which scope absorbs a cancellation is decided when a block ends, from the state
//     of the scopes at that time. A scope that is effectively canceled, and whose parent
//     is not or is hidden by the shield, removes the cancellations from the error of its
//     block. Otherwise the error goes to the parent.
//  3. A cancellation is an error at the end of a chain of wrappers that is the context's
//     own Err, or claims to be it by its Is method; or the cause of a context outside that
//     has ended this one; or a [*Canceled] that began in this scope or one around it; or
//     what [AsCancellation] made for this context. A Canceled is judged by its origin,
//     never by its reason. An error with a method Cancellation() bool that returns false
//     is real, whatever it wraps. Everything else is real too. [Split] has the details.
//  4. Errors that join others are divided leaf by leaf, at any depth. An error with a
//     method Derive([]error) error keeps its type. Real errors are never lost: this
//     takes precedence over every other rule.
//  5. A scope never creates an error: if the block returns nil, Run returns nil.
//  6. The first cause is kept.
//  7. Cancel before Run makes the first wait of the block fail. A second Run panics.
//     Cancel after Run only records the call.
//  8. A shield hides cancellations and deadlines from outside, not the scope's own.
//  9. If the deadline has passed before Run, the block still runs to its first wait.
//  10. A block that panics or calls runtime.Goexit leaves the scope properly. If a method
//     of an error does so while the error is judged, that counts as one of the block.
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
// for a timer to be served. To save time they read the clock only where it may matter: if
// a deadline of this scope or one outside is near, or during the first calls, about
// sixteen. A timer runs only where a context was asked for Done, or was asked more often
// than that.
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
// # Cancellations in disguise
//
// A function that is canceled should return the Err of its context, bare or wrapped.
// Most packages do, and need no help:
//
//   - package net, when it dials: the error claims to be ctx.Err() by its Is method.
//   - package net/http: http.Client returns a *url.Error that wraps the cause of the
//     context of the request.
//   - package database/sql, as long as a query waits.
//
// Some report the consequence of the cancellation instead. To a scope that is a real
// error: a time limit with such an error in it does not count as expired, and beside
// a failing task it is one more failure. [AsCancellation], around the one call that is
// known for it, makes a cancellation of it:
//
//   - package os/exec: a command of exec.CommandContext is killed, and its error is an
//     *exec.ExitError, "signal: killed". If WaitDelay is set and the output stays open
//     although the command has ended well, it is exec.ErrWaitDelay.
//   - package database/sql: it rolls the transaction back when the context of BeginTx
//     is done, and later calls of the transaction return sql.ErrTxDone.
//   - reading and writing with package net knows no contexts. Where the connection is
//     closed because the context is done, the error is net.ErrClosed; where its
//     deadline is set into the past, os.ErrDeadlineExceeded. (Package deadline has a
//     Conn whose errors need no help.)
//   - gRPC: the error is a status with the code Canceled or DeadlineExceeded, which
//     wraps nothing, and which a server may also return for a reason of its own. The
//     interceptors of the module github.com/trellis-go/trellis/grpc distinguish the
//     two, so that calls need no help; see docs/grpc.md in the repository.
//
// To find out which one you have, print an error with its type where ctx.Err() is not
// nil and [IsCancellation] reports false. What is printed when you cancel on purpose
// is a disguise:
//
//	if ctx.Err() != nil && !cancelscope.IsCancellation(ctx, err) {
//		log.Printf("%T: %v", err, err)
//	}
//
// # Errors of your own
//
// The errors of a block are judged when the block of a canceled scope ends. Two
// methods have a say in it. An error that reports a failure because of a cancellation,
// and wraps the cancellation, should say that it is none:
//
//	interface {
//		Cancellation() bool // false: the error is real, whatever it wraps
//	}
//
// An error that joins others, by Unwrap() []error or Unwrap() error, should know how to
// make a copy of itself, so that it keeps its type when the cancellations in it are
// removed:
//
//	interface {
//		Derive(members []error) error // an error like this one that joins members instead
//	}
//
// Derive must return an error that wraps exactly the given members, of which there is
// at least one. It may keep the slice. If it returns nil, the error is treated like one
// without that method. See [Split] for the rules.
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
// goroutine is started for it. There are exceptions. In the following scopes, and in
// scopes inside them, Err is not nil at once. Done channels that were asked for earlier,
// and contexts derived from them, are done shortly after, by another goroutine like that
// of context.AfterFunc:
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
//
// [Trio]: https://trio.readthedocs.io/en/stable/reference-core.html#cancellation-and-timeouts
package cancelscope
