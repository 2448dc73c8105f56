package serve

import (
	"context"
	"errors"

	"github.com/trellis-go/trellis/cancelscope"
)

// errClosing is the reason for which accepting is canceled.
var errClosing = errors.New("the program drains")

// UntilDrain calls fn with two contexts, for a task that takes in work until the drain.
// accept is for taking it in: receiving a message, waiting for the next tick. It is
// canceled when the program accepts nothing new any more, which is when the drain
// begins, or [Program.Linger] later. work is ctx, for doing what was taken in, and is
// not canceled by the drain.
//
//	err := serve.UntilDrain(ctx, func(accept, work context.Context) error {
//		for {
//			m, err := queue.Receive(accept)
//			if err != nil {
//				return err // in a drain: UntilDrain returns nil
//			}
//			if err := handle(work, m); err != nil {
//				return err
//			}
//		}
//	})
//
// UntilDrain returns when fn has returned. If fn returns the cancellation of accept, the
// result is nil, because a drain is not an error. Every other error is returned, also the
// cancellation of ctx, which cancels accept too.
//
// A nursery that fn opens under work does not cancel accept when one of its tasks fails.
// So a task that waits under accept must also look at its own context.
//
// If nothing new is accepted any more when UntilDrain is called, accept is canceled from
// the start. If ctx belongs to no program, accept is canceled only with ctx. UntilDrain
// panics if ctx or fn is nil.
func UntilDrain(ctx context.Context, fn func(accept, work context.Context) error) error {
	if ctx == nil {
		panic("serve: UntilDrain with a nil context: pass the context of the task")
	}
	if fn == nil {
		panic("serve: UntilDrain with a nil function: there is nothing to run")
	}
	scope := cancelscope.Scope{Name: "accept"}
	defer drainOf(ctx).onClosing(func() { scope.Cancel(errClosing) })()
	return scope.Run(ctx, func(accept context.Context) error {
		hide(accept) // the log of a drain names the task, which may have taken work in
		return fn(accept, ctx)
	})
}
