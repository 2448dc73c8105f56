package deadline

import (
	"context"
	"time"
)

// Sleep blocks for at least d and returns nil, or returns the cause of ctx (see
// [context.Cause]) as soon as ctx is done. It looks at ctx first, and compares
// clocks: under a deadline that has passed it fails, however short d is. A d that is
// zero or negative makes it a checkpoint: it returns at once, nil if ctx is not done.
//
// A time.Sleep in a task of a nursery is not interrupted by anything, and the
// nursery waits for it. Sleep panics if ctx is nil.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx == nil {
		panic("deadline: Sleep with a nil context: pass context.Background(), or use time.Sleep")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	// With both ready select takes either, and a deadline that passed during the
	// sleep may not have been served yet.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// SleepUntil is like [Sleep] until the time t. If t is not in the future it is a
// checkpoint.
func SleepUntil(ctx context.Context, t time.Time) error {
	return Sleep(ctx, time.Until(t))
}
