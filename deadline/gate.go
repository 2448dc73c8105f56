package deadline

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A gate stands before the blocking operations that one deadline ends: the reads
// of a connection, its writes, or what is done with a listener. It knows which
// deadline its user wants, moves the real one into the past while somebody is being
// interrupted, and puts it back afterwards.
type gate struct {
	// set sets the real deadline. It is read-only.
	set func(time.Time) error

	// turn holds a token while somebody has passed enter and not leave; nobody
	// closes it. Where all pass one by one, a deadline in the past interrupts nobody
	// but the one it is meant for. Package net lets reads, writes and accepts
	// through one by one itself, so this costs no parallelism. Tried before: let
	// all in, and have those whose own context is not done try again. But they spin
	// while the deadline is in the past, a write that was cut in two mixes with
	// others, and a TLS connection never gets over a write that has timed out.
	turn chan struct{}

	mu sync.Mutex // held while set is called, which does not block

	// Guarded by mu.
	wanted time.Time // the deadline that the user has set; zero: none
	forced int       // interruptions that keep the real deadline in the past
}

func newGate(set func(time.Time) error) *gate {
	return &gate{set: set, turn: make(chan struct{}, 1)}
}

// past is a deadline that has passed by every clock, a fake one included. The zero
// time would mean none.
var past = time.Unix(1, 0)

// enter waits for the turn of the caller, who must call leave, unless ctx is done
// first: then it returns its cause.
func (g *gate) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case g.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// Where both were ready either was taken, and time has passed.
	if ctx.Err() != nil {
		g.leave()
		return context.Cause(ctx)
	}
	return nil
}

func (g *gate) leave() { <-g.turn }

// setDeadline sets the user's deadline. During an interruption it is only noted.
func (g *gate) setDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.forced == 0 {
		if err := g.set(t); err != nil {
			return err
		}
	}
	g.wanted = t
	return nil
}

// A watch interrupts one operation when its context is done.
type watch struct {
	gate *gate
	stop func() bool // written before the operation starts, read-only after

	// Guarded by gate.mu.
	over  bool // the operation has ended
	fired bool // the real deadline is in the past on behalf of this operation
}

// watch begins to watch ctx for an operation that the caller is about to start,
// and that ends with a call of end.
//
// It registers with ctx anew each time. Once for each connection would be cheaper,
// but has no end where somebody wraps a connection for every request and closes
// only the one inside.
func (g *gate) watch(ctx context.Context) *watch {
	w := &watch{gate: g}
	w.stop = context.AfterFunc(ctx, w.interrupt)
	return w
}

// interrupt runs in a goroutine of its own once the context is done, which may be
// after the operation has ended: then it must not touch the deadline any more.
func (w *watch) interrupt() {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	if w.over {
		return
	}
	w.fired = true
	w.gate.forced++
	if w.gate.forced == 1 {
		_ = w.gate.set(past) // an operation that cannot be interrupted takes its time
	}
}

// end is called when the operation has ended. When it returns, the user's deadline
// is in force again unless another interruption goes on.
func (w *watch) end() {
	w.stop()
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	w.over = true
	if !w.fired {
		return
	}
	w.gate.forced--
	if w.gate.forced == 0 {
		_ = w.gate.set(w.gate.wanted) // fails if it was closed meanwhile
	}
}

// cutShort reports whether err, which comes straight from an operation under ctx,
// says that a deadline has passed and ctx is done. If the user's own deadline has
// passed as well, it does not matter which was first: a wait in a context that is
// done fails with its cause.
func cutShort(ctx context.Context, err error) bool {
	return err != nil && timedOut(err) && ctx.Err() != nil
}

// timedOut reports whether err says that a deadline has passed. By the rules of
// package net it wraps os.ErrDeadlineExceeded, but multiplexers and network stacks
// of other makes often have only the method Timeout. Two have it as well and are real
// errors: a system call that gave up, as when the peer of a connection has vanished,
// and the deadline of some other context.
func timedOut(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var timeout net.Error
	var call *os.SyscallError
	return errors.As(err, &timeout) && timeout.Timeout() &&
		!errors.As(err, &call) && !errors.Is(err, context.DeadlineExceeded)
}
