package nursery

import (
	"context"
	"errors"
)

// errLoopLeft is the reason for which what runs for a loop is canceled when the loop
// has been left.
var errLoopLeft = errors.New("the loop over the results has been left")

// runLoop is like [Run] with a body that runs a loop of the caller's. A loop must not turn
// a panic in its statements into another one, so such a panic is not recovered: it, or an
// exit, cancels the nursery, waits for the tasks, and propagates. The panic of a task
// replaces it.
func runLoop(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	n := &Nursery{loop: true}
	return n.open(ctx, body)
}
