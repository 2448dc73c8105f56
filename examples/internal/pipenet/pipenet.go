package pipenet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that are handed to it.
type Listener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{} // closed by Close
	once   sync.Once
}

// Listen returns a listener with an address, which may be any text.
func Listen(addr string) *Listener {
	return &Listener{addr: address(addr), conns: make(chan net.Conn), closed: make(chan struct{})}
}

type address string

func (a address) Network() string { return "pipe" }
func (a address) String() string  { return string(a) }

// Hand returns when c was accepted. The error is [net.ErrClosed] if the listener is closed
// before, or that of ctx.
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

func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *Listener) Addr() net.Addr { return l.addr }
