package main_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/examples/internal/pipenet"
)

// A network connects servers and clients by pipes, so that they can talk in a
// bubble, where it takes no time.
type network struct {
	latency time.Duration // of dialing
	broken  int64         // the number of the first dialing that fails; 0: none
	dialed  atomic.Int64
	open    atomic.Int64 // ends of clients

	mu        sync.Mutex
	listeners map[string]*pipenet.Listener // by address
}

func (n *network) listen() (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[string]*pipenet.Listener)
	}
	l := pipenet.Listen(fmt.Sprintf("server%d.test:80", len(n.listeners)+1))
	n.listeners[l.Addr().String()] = l
	return l, nil
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("no such server")
	}
	if dialed := n.dialed.Add(1); n.broken > 0 && dialed >= n.broken {
		return nil, errors.New("no route")
	}
	time.Sleep(n.latency)
	client, server := net.Pipe()
	if err := l.Hand(ctx, server); err != nil {
		return nil, err
	}
	n.open.Add(1)
	return &clientConn{Conn: client, net: n}, nil
}

func (n *network) transport() *http.Transport { return &http.Transport{DialContext: n.dial} }

type clientConn struct {
	net.Conn
	net  *network
	once sync.Once
}

func (c *clientConn) Close() error {
	c.once.Do(func() { c.net.open.Add(-1) })
	return c.Conn.Close()
}
