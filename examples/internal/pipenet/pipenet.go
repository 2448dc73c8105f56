package pipenet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that are handed to it. Its address may be any text.
type Listener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func Listen(addr string) *Listener {
	closed := make(chan struct{})
	return &Listener{address(addr), make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

type address string

func (a address) Network() string { return "pipe" }
func (a address) String() string  { return string(a) }

// Hand returns when c was accepted, the listener is closed, or ctx is done.
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
	l.close()
	return nil
}

func (l *Listener) Addr() net.Addr { return l.addr }
