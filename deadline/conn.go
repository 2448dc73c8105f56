package deadline

import (
	"context"
	"net"
	"time"
)

// Conn returns a connection on top of c that is bound to ctx: its Read and Write fail
// with the cause of ctx (see [context.Cause]) once ctx is done. A call that is blocked at
// that moment is interrupted, by a deadline in the past. A later call fails at once, also
// if it would not have to block. What counts is ctx.Err, so the deadline of a scope counts
// from the instant at which it passes.
//
// An interruption loses no data. A Read that has got data returns them with a nil error,
// and the next Read fails. A Write that is interrupted half-way returns the number of bytes
// written, and the cause. Errors that are not timeouts, such as io.EOF and net.ErrClosed,
// are returned unchanged, also if ctx is done. The timeout of a deadline that the user has
// set is returned unchanged if ctx is not done.
//
// A cancellation leaves the connection as it was. To use it again, for example to say
// goodbye, bind it to another context: if c comes from Conn, the result is bound to the new
// ctx only. All connections made from one another in this way share the underlying
// connection, its deadlines and the rules below. A context that can never be done, such as
// context.Background(), sets no limit.
//
//	c = deadline.Conn(ctx, c)
//	if err := talk(c); err != nil {
//		return errors.Join(err, cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error {
//			_, err := deadline.Conn(ctx, c).Write(goodbye)
//			return err
//		}))
//	}
//
// Conn panics if ctx or c is nil.
//
// # Rules
//
// All methods may be called from several goroutines at once. Reads take place one after
// another, and so do writes. A call that waits for its turn fails when its own ctx is done.
// An interrupted call does not disturb calls under other contexts; the section on TLS lists
// the exceptions.
//
// Set deadlines through the wrapper, where they have their usual meaning: SetDeadline,
// SetReadDeadline and SetWriteDeadline act at once on blocked calls. A deadline that was
// set on c itself counts until an interruption, and is cleared by it. For the same reason,
// wrap a connection once, and bind that wrapper to other contexts: two wrappers around the
// same raw connection do not know of each other.
//
// Close closes c, for all wrappers, and it does not matter which of them is closed. Close
// ignores the context. Calls that are blocked then fail as those of c do, usually with
// net.ErrClosed. A wrapper needs no Close of its own: between calls, ctx holds no reference
// to it.
//
// If the deadlines of c do not work, because its methods for them fail or do nothing,
// blocked calls are not interrupted: they return when c returns, and later calls fail. The
// timeouts of c must wrap os.ErrDeadlineExceeded or have a method Timeout that returns
// true, as package net requires.
//
// # Costs
//
// Under a context that can never be done a call costs no allocation. Under any other
// context it registers with the context while it runs, by [context.AfterFunc]. While nothing
// is canceled no call costs a goroutine, with two exceptions: a context from another package
// without a method AfterFunc, and a Write on a TLS 1.2 connection while another goroutine
// reads from it.
//
// The wrapper hides optional methods of c. Type assertions find these methods on it:
//
//	NetConn() net.Conn                         // the connection inside
//	WriteBuffers(*net.Buffers) (int64, error)  // buffers.WriteTo, under ctx
//
// The method WriteTo of [net.Buffers] makes a single system call for many buffers only if
// it is given a connection of package net itself. With the wrapper it calls Write for each
// buffer; use WriteBuffers instead. For anything else that needs the connection inside, such
// as CloseWrite, or io.Copy from a file by sendfile, use NetConn. If it blocks, call it in
// [Interrupt] on the wrapper, while no other goroutine uses that direction:
//
//	inner := c.(interface{ NetConn() net.Conn }).NetConn()
//	err := deadline.Interrupt(ctx, c, func() error {
//		_, err := io.Copy(inner, file)
//		return err
//	})
//
// # TLS
//
// Wrap the [crypto/tls.Conn]. Do not wrap the connection below it: TLS treats every error from
// below that is not a timeout as final, so the first cancellation would end the connection.
// Conn recognizes a TLS connection by its method HandshakeContext. A type around a
// [crypto/tls.Conn] must have that method as well; without it none of the following holds.
//
// There is one exception. A function that must return a [crypto/tls.Conn] itself, such as
// DialTLSContext of an [net/http.Transport], which otherwise cannot use HTTP/2, has to wrap
// below: tls.Client(deadline.Conn(ctx, raw), config). The cancellation of ctx then ends the
// connection. Here ctx must live as long as the connection; the context that DialTLSContext
// gets does not.
//
// The first Read or Write makes the handshake, under its own context. Other calls wait until
// it is made, and fail when their own context is done. An interrupted handshake closes the
// connection.
//
// Afterwards a Read can be interrupted, and the next Read continues where it stopped. A Write
// that is interrupted while it is blocked leaves a connection that can be read from but not
// written to: later Writes fail with a timeout.
//
// A Read may have to write: the answer to a key update (TLS 1.3), to a request for
// renegotiation (TLS 1.2), or an alert. If the peer does not read, this blocks. Therefore an
// interrupted Read takes the turn of the writers as well, and keeps the write deadline in
// the past, until it has returned. If this cuts an answer, both directions of the connection
// are broken and later calls fail. An interrupted Read does not cut a Write of another
// goroutine under a context that is not done. If such a Write is blocked, and the Read has
// to write too, the Read returns after the Write. An interrupted Write, however, also cuts
// the answer that a Read is writing.
//
// Close sends an alert before it closes the connection, and waits for at most five seconds
// if the peer does not read. It cuts the answer that a Read is writing.
//
// If a client permits renegotiation (TLS 1.2), a Read that is interrupted during one ends the
// connection: later calls fail at once, with a timeout. A Write that begins during a
// renegotiation waits for its end, and fails when its own context is done; a goroutine then
// stays until the renegotiation has ended. If the renegotiation begins in the instant after
// the Write has looked for one, the Write also waits until the Read returns.
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
	if h, ok := c.(handshaker); ok {
		l.tls = &handshake{maker: h, turn: newTurn()}
		l.read.also = &l.write
	}
	return &conn{ctx, l}
}

// A conn is a connection bound to a context. It is read-only.
type conn struct {
	ctx context.Context
	*link
}

// A link is a connection with its two gates, shared by the conns of one connection. A
// goroutine that takes several turns takes them in this order: that of read, that of tls,
// that of write.
type link struct {
	inner       net.Conn // read-only
	read, write gate
	tls         *handshake // read-only; nil if inner makes no handshake
}

func (c *conn) Read(b []byte) (int, error) {
	if err := c.read.turn.take(c.ctx); err != nil {
		return 0, err
	}
	defer c.read.turn.free()
	if err := c.handshake(); err != nil {
		return 0, err
	}
	defer c.read.watch(c.ctx).finish()
	n, err := c.inner.Read(b)
	switch {
	case !cutShort(c.ctx, err):
		return n, err
	case n > 0:
		return n, nil // many callers ignore n if there is an error
	}
	return 0, context.Cause(c.ctx)
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	defer c.write.turn.free()
	defer c.write.watch(c.ctx).finish()
	n, err := c.inner.Write(b)
	if cutShort(c.ctx, err) {
		return n, context.Cause(c.ctx)
	}
	return n, err
}

// WriteBuffers is v.WriteTo(c), but the connection inside gets all buffers at once. See
// [Conn].
func (c *conn) WriteBuffers(v *net.Buffers) (int64, error) {
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	defer c.write.turn.free()
	defer c.write.watch(c.ctx).finish()
	n, err := v.WriteTo(c.inner)
	if cutShort(c.ctx, err) {
		return n, context.Cause(c.ctx)
	}
	return n, err
}

// NetConn returns the connection that was given to the first call of Conn. Its deadlines
// must not be set. See [Conn].
func (l *link) NetConn() net.Conn { return l.inner }

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
