package pipenet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that are handed to it. Its methods may be called by any
// number of goroutines.
type Listener struct {
	addr   net.Addr
	conns  chan net.Conn // has no buffer, and is never closed
	closed chan struct{} // closed by close
	close  func()
}

// Listen returns a listener with that address, which may be any text.
func Listen(addr string) *Listener {
	closed := make(chan struct{})
	return &Listener{address(addr), make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

type address string

func (a address) Network() string { return "pipe" }
func (a address) String() string  { return string(a) }

// Hand blocks until c is accepted, the listener is closed, or ctx is done. The error is then
// nil, [net.ErrClosed] or that of ctx.
func (l *Listener) Hand(ctx context.Context, c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Accept blocks until a connection is handed to the listener, or it is closed: then the error
// is [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the calls of Accept and Hand that wait. A second call does nothing. Its error is
// always nil.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns the address that Listen was given.
func (l *Listener) Addr() net.Addr { return l.addr }
