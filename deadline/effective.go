package deadline

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/internal/tree"
)

// Effective returns the deadline in force for work under ctx: the earliest of the
// scopes and contexts around it, as far as no shield hides them. If there is none, ok
// is false. If ctx is done already, it returns the zero time, which is long past, and
// true. It does not block.
//
// Deadline, the method of ctx, leaves out the deadlines of scopes that are Adjustable;
// Effective does not. If a context that can be done was derived from a
// context.WithoutCancel, Effective cannot see the latter: the deadlines of the scopes
// around the context.WithoutCancel count, until one of these scopes is canceled.
//
// Effective panics if ctx is nil.
func Effective(ctx context.Context) (t time.Time, ok bool) {
	if ctx == nil {
		panic("deadline: Effective with a nil context: pass context.Background() if there is none")
	}
	if ctx.Err() != nil {
		return time.Time{}, true
	}
	t, ok = ctx.Deadline()
	n := tree.Of(ctx)
	if n == nil || ctx.Done() == nil {
		return t, ok
	}
	// A scope that is canceled, while ctx is not, lies beyond a
	// context.WithoutCancel. As long as it is not canceled, a WithoutCancel cannot be
	// distinguished from a context that passes cancellations on, unless ctx has no Done at all.
	around, canceled := n.Effective()
	if !canceled && !around.IsZero() && (!ok || around.Before(t)) {
		return around, true
	}
	return t, ok
}
