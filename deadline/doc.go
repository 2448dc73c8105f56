// Package deadline provides time limits for blocks of code, waiting that can be
// interrupted, and contexts for blocking I/O. When the time is up, [MoveOnAfter] ends
// its block without an error, and [FailAfter] ends it with a [*TooSlowError]. Both remove
// the cancellation that they caused from the error of the block, and no other. (The idea
// and the names come from [Trio], a library for Python.)
//
//	err := deadline.FailAfter(ctx, 5*time.Second, func(ctx context.Context) error {
//		if err := first(ctx); err != nil {
//			return err
//		}
//		return second(ctx) // has what first has left of the five seconds
//	})
//
// A limit can only interrupt code that checks its context: when the time is up the block
// is asked to end, and the call returns when it has ended. Work that finishes although
// the time is up is a success.
//
// Reading, writing and accepting connections know deadlines but no contexts. [Conn],
// [Accept] and [Interrupt] make them end when a context is done.
//
// [Trio]: https://trio.readthedocs.io/en/stable/reference-core.html#cancellation-and-timeouts
package deadline
