package deadline

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// Sleep blocks for at least d and returns nil, or returns the cause of ctx (see
// [cancelscope.Cause]) as soon as ctx is canceled. Under a deadline that has passed it fails,
// however short d is. A d that is zero or negative makes it a checkpoint: it returns at once,
// nil if ctx is not canceled.
//
// If the worker was away and the sleep and a deadline both came due meanwhile, the earlier one
// counts: Sleep returns nil if it would have ended before the deadline.
func Sleep(ctx workflow.Context, d time.Duration) error {
	if ctx == nil {
		panic("deadline: Sleep with a nil context: pass the one of the workflow or task")
	}
	now := workflow.Now(ctx)
	if err := tree.Cause(ctx, now); err != nil || d <= 0 {
		return err
	}
	if err := workflow.NewTimer(ctx, d).Get(ctx, nil); err != nil {
		if cause := cancelscope.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	// The timer has fired, so nothing had canceled ctx by then, except a deadline whose
	// timer has been served in the same workflow task.
	end := now.Add(d)
	c, ok := tree.Cause(ctx, end).(*cancelscope.Canceled)
	if ok && c.Kind() == cancelscope.ByDeadline && !c.Deadline().After(end) {
		return c
	}
	return nil
}

// SleepUntil is like [Sleep] until the time t on the workflow's clock. If t is not in the
// future it is a checkpoint.
func SleepUntil(ctx workflow.Context, t time.Time) error {
	if ctx == nil {
		panic("deadline: SleepUntil with a nil context: pass the one of the workflow or task")
	}
	return Sleep(ctx, t.Sub(workflow.Now(ctx)))
}

// Effective returns the deadline in force for work under ctx: the earliest of the scopes
// around it, as far as no shield hides them. If there is none, ok is false. If ctx is canceled
// already, it returns the zero time, which is long past, and true. It does not block.
//
// One thing it cannot see: deadlines beyond a context of workflow.NewDisconnectedContext count,
// until a scope there is canceled.
func Effective(ctx workflow.Context) (t time.Time, ok bool) {
	if ctx == nil {
		panic("deadline: Effective with a nil context: pass the one of the workflow or task")
	}
	n := tree.Of(ctx)
	if n != nil {
		t, _ = n.Effective() // cancels what is due, so that ctx.Err knows
	}
	if ctx.Err() != nil {
		return time.Time{}, true
	}
	return t, !t.IsZero()
}
