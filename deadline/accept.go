package deadline

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Accept is l.Accept under ctx. It blocks until there is a connection, l fails, or ctx is
// done. In the last case it returns the cause of ctx (see [context.Cause]). If ctx is done
// already it returns at once; a connection that is waiting stays there for the next call.
//
// A connection that is accepted at the moment of the cancellation is returned, not lost. It
// is not bound to ctx; see [Conn]. An error of l is returned unchanged, also if ctx is done,
// unless it says that a deadline has passed.
//
// Several goroutines may call Accept on one listener, under different contexts. They take
// turns; a call that waits for its turn fails when its own ctx is done; and an interrupted
// call does not disturb the others. Do not rely on this for direct calls of l.Accept at the
// same time, which may get a timeout; for different values that wrap the same listener; nor
// for listeners that cannot be compared with == or are not equal to themselves, such as a
// struct with a slice or a NaN in it.
//
// Accept interrupts by a deadline in the past. A deadline that was set on l before counts
// until an interruption, and is cleared by it; its timeout is returned unchanged if ctx is
// not done. If l has no method SetDeadline, Accept returns an error that is
// errors.ErrUnsupported to [errors.Is], whatever the state of ctx. The listeners of package
// crypto/tls have none: accept on the listener inside, and make a server connection of the
// result.
//
// While nothing is canceled Accept costs no goroutine, except for a context from another
// package without a method AfterFunc. Accept panics if ctx or l is nil.
func Accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	if ctx == nil {
		panic("deadline: Accept with a nil context: pass context.Background(), or call Accept of the listener")
	}
	if l == nil {
		panic("deadline: Accept with a nil listener: check the error of Listen first")
	}
	d, ok := l.(Deadliner)
	if !ok {
		return nil, fmt.Errorf("deadline: Accept on a %T, which has no SetDeadline: %w", l, errors.ErrUnsupported)
	}
	u := uses.begin(d)
	defer uses.end(u)
	if err := u.gate.turn.take(ctx); err != nil {
		return nil, err
	}
	defer u.gate.turn.free()
	defer u.gate.watch(ctx).finish()
	c, err := l.Accept()
	if cutShort(ctx, err) {
		return nil, context.Cause(ctx)
	}
	return c, err
}
