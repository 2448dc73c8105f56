package deadline

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A turn lets calls through one after another. It has a token in it while a call has
// passed; nothing closes it. Calls that wait get the turn in the order of their arrival.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits until it is the caller's turn, and returns nil; the caller must then call
// free. If ctx is done first, take returns the cause of ctx.
func (t turn) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if t.try() {
		return nil
	}
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// If both were ready, select may have chosen the turn. And the clock may say that
	// ctx is done before its Done channel is closed.
	if ctx.Err() != nil {
		t.free()
		return context.Cause(ctx)
	}
	return nil
}

// try takes the turn if it is free, and reports whether it did.
func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) free() { <-t }

// A gate guards the blocking operations that one deadline ends: the reads of a
// connection, its writes, or the calls of Accept on a listener. It knows the deadline
// that the user wants. It sets the real deadline into the past while an operation is
// being interrupted, and restores the user's afterwards.
type gate struct {
	// set sets the real deadline. It is read-only.
	set func(time.Time) error

	// turn is held during an operation. Because operations come one after another, a
	// deadline in the past interrupts only the operation that it is meant for. This
	// costs no parallelism: package net lets reads, writes and accepts through one by
	// one as well. We tried to let all operations in and to repeat those that got a
	// timeout under a context that is not done. But they spin while the deadline is in
	// the past, the parts of a write that was cut mix with other writes, and a TLS
	// connection does not recover from a write that has timed out.
	turn turn

	// also is a second gate that an interruption holds, or nil: that of the writes, for
	// reads that may write. It is read-only.
	also *gate

	// spare is a watch that is not in use, or nil. Guarded by turn.
	spare *watch

	mu sync.Mutex // held while set is called, which does not block

	// Guarded by mu.
	wanted time.Time // the user's deadline; zero if there is none
	forced int       // interruptions in progress; the real deadline is in the past if there are any
}

func newGate(set func(time.Time) error) gate { return gate{set: set, turn: newTurn()} }

// past is a deadline that has passed by every clock, including a fake one. The zero
// time would mean that there is no deadline.
var past = time.Unix(1, 0)

// setDeadline sets the user's deadline. During an interruption it only records it.
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

// forceLocked sets the real deadline into the past, until restoreLocked is called as
// often. It ignores the error of set: the operation then returns when it returns.
func (g *gate) forceLocked() {
	g.forced++
	if g.forced == 1 {
		_ = g.set(past)
	}
}

// restoreLocked undoes one forceLocked. When no interruption is left it restores the
// user's deadline, and ignores the error: the connection may have been closed.
func (g *gate) restoreLocked() {
	g.forced--
	if g.forced == 0 {
		_ = g.set(g.wanted)
	}
}

// A hold keeps a gate's turn, and its real deadline in the past, from the moment at which
// the turn is free.
type hold struct {
	over  chan struct{} // closed by release
	freed chan struct{} // closed when the gate is free again
}

func (g *gate) hold() *hold {
	h := &hold{make(chan struct{}), make(chan struct{})}
	go h.run(g)
	return h
}

func (h *hold) run(g *gate) {
	defer close(h.freed)
	select {
	case g.turn <- struct{}{}:
	case <-h.over:
		return
	}
	g.force()
	<-h.over
	g.restore()
	g.turn.free()
}

// release ends the hold. It does not block for long.
func (h *hold) release() {
	close(h.over)
	<-h.freed
}

func (g *gate) force() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forceLocked()
}

func (g *gate) restore() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.restoreLocked()
}

// A watch interrupts one operation when its context is done.
type watch struct {
	gate *gate
	also *gate       // see gate; read-only
	fire func()      // interrupt, as a value that is made once; read-only
	stop func() bool // set before the operation, read-only during it

	// Guarded by gate.mu.
	over  bool  // the operation has ended
	fired bool  // this watch has forced the deadline
	held  *hold // of also; nil if there is none
}

// watch starts to watch ctx for an operation that the caller is about to begin. The
// caller must have the turn of g, and must call finish when the operation has ended. If
// ctx can never be done there is nothing to watch, and the result is nil.
//
// Each operation registers with ctx anew. One registration for each connection would be
// cheaper, but would stay with ctx where a program wraps a connection for every request
// and closes only the connection inside.
func (g *gate) watch(ctx context.Context) *watch {
	if ctx.Done() == nil {
		return nil
	}
	w := g.spare
	if w == nil {
		w = &watch{gate: g, also: g.also}
		w.fire = w.interrupt
	}
	g.spare = nil
	w.stop = context.AfterFunc(ctx, w.fire)
	return w
}

// observe is like watch, for a caller that does not have the turn and that calls cease
// when the operation has ended. It leaves g.also alone.
func (g *gate) observe(ctx context.Context) *watch {
	w := &watch{gate: g}
	w.stop = context.AfterFunc(ctx, w.interrupt)
	return w
}

// interrupt runs in a goroutine of its own when the context is done. The operation may
// have ended by then; in this case interrupt must not touch the deadline.
func (w *watch) interrupt() {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	if w.over {
		return
	}
	w.fired = true
	w.gate.forceLocked()
	if w.also != nil {
		w.held = w.also.hold()
	}
}

// finish is called when the operation has ended, with w as returned by gate.watch. When
// it returns, the user's deadlines are in force again, unless another interruption is in
// progress.
func (w *watch) finish() {
	if w == nil {
		return
	}
	if w.cease() {
		w.stop = nil // which refers to the context
		w.gate.spare = w
	}
}

// cease ends the watch and undoes its interruption. It reports whether w can be used
// again: if the context was done, interrupt may be yet to look at w.
func (w *watch) cease() bool {
	if w.stop() {
		return true
	}
	w.gate.mu.Lock()
	w.over = true
	held := w.held
	if w.fired {
		w.gate.restoreLocked()
	}
	w.gate.mu.Unlock()
	if held != nil {
		held.release()
	}
	return false
}

// cutShort reports whether err, which comes straight from an operation under ctx, says
// that a deadline has passed, and ctx is done. It does not matter whether the user's own
// deadline has passed as well: an operation under a context that is done fails with the
// cause of that context.
func cutShort(ctx context.Context, err error) bool {
	return err != nil && timedOut(err) && ctx.Err() != nil
}

// timedOut reports whether err says that a deadline has passed. By the rules of package
// net such an error wraps os.ErrDeadlineExceeded, but multiplexers and network stacks
// from other authors often have only the method Timeout. Two kinds of errors have that
// method and are no deadlines of the connection: a system call that gave up, for example
// because the peer has vanished, and the deadline of another context.
func timedOut(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var timeout net.Error
	var call *os.SyscallError
	return errors.As(err, &timeout) && timeout.Timeout() &&
		!errors.As(err, &call) && !errors.Is(err, context.DeadlineExceeded)
}
