package deadline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Accept is l.Accept under ctx. It blocks until there is a connection, l fails, or
// ctx is done: then it returns the cause of ctx (see [context.Cause]). If ctx is done
// already it returns at once, and leaves a connection that is waiting to whoever
// accepts next.
//
// A connection that is accepted at the moment of the cancellation is returned, not
// lost. It is not bound to ctx; see [Conn]. An error of l comes out as it is, also if
// ctx is done, unless it says that a deadline has passed.
//
// Any number of goroutines may accept on one listener, under different contexts: they
// take turns, a call that waits for its turn fails when its own ctx is done, and one
// that is interrupted disturbs no other. This does not hold for direct calls of
// l.Accept meanwhile, which may get a timeout, nor for calls through different values
// that wrap the same listener.
//
// Accept interrupts by a deadline in the past. A deadline that was set on l before
// counts until an interruption, after which there is none; its timeout comes out as
// it is if ctx is not done. Where l has no method SetDeadline, the error is
// errors.ErrUnsupported for [errors.Is], whatever the state of ctx. So it is for
// the listeners of package crypto/tls: accept on the listener inside, and make a
// server connection of what it returns.
//
// While nothing is canceled Accept costs no goroutine, as [Conn]. It panics if ctx or l is nil.
func Accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	if ctx == nil {
		panic("deadline: Accept with a nil context: pass context.Background(), or call Accept of the listener")
	}
	if l == nil {
		panic("deadline: Accept with a nil listener: check the error of Listen first")
	}
	d, ok := l.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return nil, fmt.Errorf("deadline: Accept on a %T, which has no SetDeadline: %w", l, errors.ErrUnsupported)
	}
	u := uses.begin(d)
	defer uses.end(u)
	if err := u.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer u.gate.leave()
	defer u.gate.watch(ctx).end()
	c, err := l.Accept()
	if cutShort(ctx, err) {
		return nil, context.Cause(ctx)
	}
	return c, err
}
