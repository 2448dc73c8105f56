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
// context.Canceled or context.DeadlineExceeded, and context.Cause tells the story
// behind it, a [*Canceled]. Cancellation is level-triggered, as in Trio: once a
// scope is canceled, every wait in it fails until it is left, so clean-up that
// waits needs a shield. Contexts of the standard library derived from it attach
// without a goroutine, also with values in between, and those between two scopes
// count: if a context.WithTimeout between them expires, the inner scope sees its
// parent canceled.
//
// A deadline counts from the instant it has passed. Err, Done and Cause compare
// clocks and do not wait for a timer to be served. Timers run only below a Done
// channel that somebody has asked for.
//
// When the block has ended, its context is done, with a cause of kind [ByExit].
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
//     wraps nothing.
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
// Guaranteed: all methods of a Scope and of its context may be called by any
// number of goroutines. When [Scope.Cancel] returns, Err of the contexts of all
// scopes inside is not nil and their Done channels are closed. What happened before
// a call of Cancel synchronizes before what comes after the receipt from a Done
// channel that it closed, and after an Err that is not nil because of it. The first
// cause is kept for good.
//
// When a context of another make is done, the scopes directly inside it say so at
// the next call of Err, Done or context.Cause. Done channels that were asked for
// earlier, and contexts derived from them, follow from a new goroutine, which is
// how context.AfterFunc works. Not to be assumed, therefore: that they are closed
// when the cancel function of the context outside has returned.
//
// Not to be assumed either: that a block which is canceled stops. It is asked to,
// and Run waits for it.
package cancelscope
