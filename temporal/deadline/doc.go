// Package deadline provides time limits for blocks of workflow code, and a Sleep that notices
// cancellation. [MoveOnAfter] ends its block quietly when the time is up, [FailAfter] with a
// [*TooSlowError]. Both absorb exactly the cancellation that they caused.
//
//	err := deadline.FailAfter(ctx, 10*time.Minute, func(ctx workflow.Context) error {
//		if err := first(ctx); err != nil {
//			return err
//		}
//		return second(ctx) // has what first has left of the ten minutes
//	})
//
// A limit can only interrupt code that checks its context. Work that finishes although the
// time is up is a success. A limit that is not reached leaves a timer that was started and
// canceled in the history, as one of workflow.NewTimer does; see package cancelscope on time.
package deadline
