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
