package deadline

import (
	"context"
	"errors"
	"net"
	"time"
)

// Conn returns c bound to ctx: a connection whose Read and Write fail with the cause
// of ctx (see [context.Cause]) once ctx is done. Calls that are blocked then are
// interrupted, by a deadline in the past; calls that come later fail at once,
// whether or not they would block. What counts is ctx.Err, so the deadline of a scope
// counts from the instant it has passed.
//
// An interruption loses nothing. A Read that has got data returns them without an
// error, and the next one fails. A Write that was interrupted in the middle returns
// how many bytes have been written, and the cause. Errors that are no timeouts, such
// as io.EOF or net.ErrClosed, come out as they are, also if ctx is done, and so does
// the timeout of a deadline that the user has set, if ctx is not.
//
// After a cancellation the connection itself is as it was. To use it again, for a
// goodbye, bind it to another context: if c comes from Conn, its connection is bound
// to the new ctx alone. All that come from c in this way share the connection, its
// deadlines and the rules below. A context that can never be done, such as
// context.Background(), sets no limit.
//
//	c = deadline.Conn(ctx, c)
//	defer cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error {
//		_, err := deadline.Conn(ctx, c).Write(goodbye)
//		return err
//	})
//
// # Rules
//
// All methods may be called by any number of goroutines. Reads take place one after
// another, as do writes. A call that waits for its turn fails when its own ctx is
// done; one that is interrupted disturbs no other, whatever their contexts.
//
// Deadlines must be set through the wrapper, where they mean what they always do:
// SetDeadline, SetReadDeadline and SetWriteDeadline act at once on blocked calls. A
// deadline that c had before, or that is set behind the wrapper's back, counts
// until an interruption, after which there is none. For the same reason a connection
// should be wrapped once, and bound to other contexts from there: two wrappers
// made of the same raw connection do not know of each other.
//
// While nothing is canceled Conn costs no goroutine, except for a ctx of a type from
// elsewhere without a method AfterFunc, which costs one for each blocked call. Between
// calls ctx holds nothing of the connection. So a wrapper needs no Close of its own:
// Close closes c, for everybody, and it does not matter which of them is closed. It
// does not look at ctx. Blocked calls fail then as c has it, usually with
// net.ErrClosed.
//
// If the deadlines of c do not work, because its methods for them return an error or
// do nothing, blocked calls are not interrupted; they return when they return, and
// later ones fail. The errors of c's timeouts must wrap os.ErrDeadlineExceeded or
// have a method Timeout that returns true, as package net asks.
//
// The wrapper has a method NetConn() net.Conn, found by a type assertion, which
// returns the connection inside, for what is left out here, such as CloseWrite of a
// [net.TCPConn].
//
// # TLS
//
// Wrap the [crypto/tls.Conn], not the connection below it: every error from below that
// is no timeout is the end of a TLS connection. Reading can go on after an interruption. A Write that was
// interrupted while it was blocked leaves a TLS connection that cannot be written to
// any more. A Read or Write that comes before the handshake makes it, as always; an
// interrupted handshake closes the connection.
//
// Conn panics if ctx or c is nil.
func Conn(ctx context.Context, c net.Conn) net.Conn {
	if ctx == nil {
		panic("deadline: Conn with a nil context: pass context.Background() to set no limit")
	}
	if c == nil {
		panic("deadline: Conn with a nil connection: check the error of Dial or Accept first")
	}
	if bound, ok := c.(*conn); ok {
		return &conn{ctx, bound.link}
	}
	l := &link{
		inner: c,
		read:  newGate(c.SetReadDeadline),
		write: newGate(c.SetWriteDeadline),
	}
	l.handshaker, _ = c.(handshaker)
	return &conn{ctx, l}
}

// A conn is a connection bound to a context. It does not change.
type conn struct {
	ctx context.Context
	*link
}

// A link is a connection with its two gates. It is shared by the conns of one
// connection and does not change.
type link struct {
	inner       net.Conn
	read, write *gate
	handshaker  handshaker // inner, if it is one
}

// A handshaker is a connection whose first Read or Write makes a handshake, which
// both reads and writes: a tls.Conn. Only its own method can be interrupted as a
// whole, because the deadline of one direction does not end a wait in the other, and
// that of both would hit calls under other contexts.
type handshaker interface {
	HandshakeContext(context.Context) error
}

func (c *conn) handshake() error {
	if c.handshaker == nil {
		return nil
	}
	err := c.handshaker.HandshakeContext(c.ctx)
	if err != nil && c.ctx.Err() != nil && errors.Is(err, c.ctx.Err()) || cutShort(c.ctx, err) {
		return context.Cause(c.ctx)
	}
	return err
}

func (c *conn) Read(b []byte) (int, error) {
	if err := c.read.enter(c.ctx); err != nil {
		return 0, err
	}
	defer c.read.leave()
	if err := c.handshake(); err != nil {
		return 0, err
	}
	defer c.read.watch(c.ctx).end()
	n, err := c.inner.Read(b)
	switch {
	case !cutShort(c.ctx, err):
		return n, err
	case n > 0:
		return n, nil // not everybody looks at n when there is an error
	}
	return 0, context.Cause(c.ctx)
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.write.enter(c.ctx); err != nil {
		return 0, err
	}
	defer c.write.leave()
	if err := c.handshake(); err != nil {
		return 0, err
	}
	defer c.write.watch(c.ctx).end()
	n, err := c.inner.Write(b)
	if cutShort(c.ctx, err) {
		return n, context.Cause(c.ctx)
	}
	return n, err
}

// NetConn returns the connection that was given to Conn, or to the first of several.
// Its deadlines must not be set.
func (l *link) NetConn() net.Conn { return l.inner }

func (l *link) Close() error         { return l.inner.Close() }
func (l *link) LocalAddr() net.Addr  { return l.inner.LocalAddr() }
func (l *link) RemoteAddr() net.Addr { return l.inner.RemoteAddr() }

func (l *link) SetReadDeadline(t time.Time) error  { return l.read.setDeadline(t) }
func (l *link) SetWriteDeadline(t time.Time) error { return l.write.setDeadline(t) }

func (l *link) SetDeadline(t time.Time) error {
	err := l.read.setDeadline(t)
	if err2 := l.write.setDeadline(t); err == nil {
		err = err2
	}
	return err
}
