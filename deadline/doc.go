// Package deadline provides time limits for blocks of code, waiting that can be
// interrupted, and contexts for blocking I/O. Its time limits are those of Python's
// Trio: [MoveOnAfter] ends its block quietly when the time is up, [FailAfter] with a
// [*TooSlowError], and both absorb exactly the cancellation that they caused.
//
//	err := deadline.FailAfter(ctx, 5*time.Second, func(ctx context.Context) error {
//		if err := first(ctx); err != nil {
//			return err
//		}
//		return second(ctx) // has what first has left of the five seconds
//	})
//
// A limit cuts nothing short that does not look at its context: the block is asked
// to end, and the call returns when it has. Work that finishes although the time is
// up is a success.
//
// [Conn], [Accept] and [Interrupt] make reading, writing and accepting, which know
// deadlines but no contexts, end when a context is done.
package deadline
