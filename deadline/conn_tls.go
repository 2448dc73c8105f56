package deadline

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
)

// A handshaker is a connection whose first Read or Write makes a handshake, which both
// reads and writes: usually a *tls.Conn. Only its method HandshakeContext can be
// interrupted as a whole, because the deadline of one direction does not end a wait in
// the other direction, and the deadline of both would hit calls under other contexts.
//
// Its Read may write as well, after the handshake.
type handshaker interface {
	HandshakeContext(context.Context) error
}

// A handshake is the state of the handshake of one connection.
type handshake struct {
	maker handshaker // read-only

	// turn is held by the call that makes the handshake. Calls that wait for the
	// handshake wait for this turn, and not in HandshakeContext: that would close the
	// connection when the context of the call that waits is done.
	turn turn

	// made is whether the handshake has been made. It is written by the holder of turn.
	made atomic.Bool

	// renegotiates is whether a Read may make further handshakes. It is written before
	// made is set, and read-only after.
	renegotiates bool
}

// handshake returns nil when the handshake has been made, by this call or another one, or
// if there is none to make. It takes the turn of the writers while it makes the handshake,
// because a handshake writes.
func (c *conn) handshake() error {
	h := c.tls
	if h == nil || h.made.Load() {
		return nil
	}
	if err := h.turn.take(c.ctx); err != nil {
		return err
	}
	defer h.turn.free()
	if h.made.Load() {
		return nil
	}
	if err := c.write.turn.take(c.ctx); err != nil {
		return err
	}
	defer c.write.turn.free()
	err := h.maker.HandshakeContext(c.ctx)
	switch {
	case err == nil:
		h.renegotiates = mayRenegotiate(h.maker)
		h.made.Store(true)
		return nil
	case c.ctx.Err() != nil && errors.Is(err, c.ctx.Err()), cutShort(c.ctx, err):
		return context.Cause(c.ctx)
	}
	return err
}

// tls13 is the version of TLS that has no renegotiation any more.
const tls13 = 0x0304

// mayRenegotiate reports whether the connection may make further handshakes, inside its
// Read. A *tls.Conn of version 1.3 does not.
//
// It uses reflection because an import of crypto/tls would make every program larger by
// more than a megabyte, also one that only needs a time limit.
func mayRenegotiate(h handshaker) bool {
	state := reflect.ValueOf(h).MethodByName("ConnectionState")
	if !state.IsValid() || state.Type().NumIn() != 0 || state.Type().NumOut() != 1 {
		return true
	}
	result := state.Call(nil)[0]
	if result.Kind() != reflect.Struct {
		return true
	}
	version := result.FieldByName("Version")
	return !version.IsValid() || !version.CanUint() || version.Uint() < tls13
}

// beginWrite takes the turn of the writers when the handshake has been made. If it
// returns an error it has not taken the turn.
func (c *conn) beginWrite() error {
	if err := c.handshake(); err != nil {
		return err
	}
	if err := c.write.turn.take(c.ctx); err != nil {
		return err
	}
	if err := c.awaitRenegotiation(); err != nil {
		c.write.turn.free()
		return err
	}
	return nil
}

// awaitRenegotiation waits for the end of a handshake that a Read is making. A Write of
// the connection itself would wait for it, too, but could not be interrupted.
//
// Because HandshakeContext closes the connection when its context is done, it gets a
// context that never is, in a goroutine of its own, which stays behind if ctx is done
// first. There is at most one such goroutine for a connection, because it has the turn.
func (c *conn) awaitRenegotiation() error {
	h := c.tls
	if h == nil || !h.renegotiates || c.ctx.Done() == nil || len(c.read.turn) == 0 {
		return nil
	}
	if err := h.turn.take(c.ctx); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		defer h.turn.free()
		ended <- h.maker.HandshakeContext(context.Background())
	}()
	select {
	case err := <-ended:
		return err
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// Close closes the connection inside, at once for all wrappers.
//
// The Close of a TLS connection waits for a Read that is writing, without a limit. So
// Close cuts what the Read writes, by a write deadline in the past. But if a Write has the
// turn, it leaves that to the TLS connection, whose Close then closes the connection below
// at once; the hold is for a Write that has not reached the TLS connection yet, or has left
// it already.
func (l *link) Close() error {
	switch {
	case l.tls == nil:
	case l.write.turn.try():
		l.write.force()
		defer l.write.turn.free()
		defer l.write.restore()
	default:
		defer l.write.hold().release()
	}
	return l.inner.Close()
}
