package serve

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// newQuiet is how long a connection must have been silent to be closed although some of
// its bytes have been read, which may be those of a TLS handshake. It is what net/http
// waits for before it takes a new connection for an idle one.
const newQuiet = 5 * time.Second

// tracking is what an httpServer knows of its connections and requests.
type tracking struct {
	mu      sync.Mutex
	conns   map[*conn]*tracked // guarded by mu; without those that net/http has closed
	running int                // guarded by mu; handlers
	ending  bool               // guarded by mu; connections end when they are idle
}

// A tracked is the state of a connection.
type tracked struct {
	http2 bool // it speaks HTTP/2
	taken bool // a handler has taken it over
	tls   bool // it is below TLS
}

// Which connections are counted.
func isOpen(t *tracked) bool  { return !t.taken }
func isHTTP1(t *tracked) bool { return !t.taken && !t.http2 }

// count returns the number of connections for which f reports true.
func (h *httpServer) count(f func(*tracked) bool) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, t := range h.conns {
		if f(t) {
			n++
		}
	}
	return n
}

// requests returns the number of handlers that run.
func (h *httpServer) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
}

// track makes an accepted connection known.
func (h *httpServer) track(c net.Conn) *conn {
	in := newConn(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[in] = new(tracked)
	if h.ending {
		in.end()
	}
	return in
}

// endIdle ends connections as soon as they have no request. HTTP/2 ends by itself.
func (h *httpServer) endIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ending = true
	for c, t := range h.conns {
		if isHTTP1(t) {
			c.end()
		}
	}
}

// endQuiet closes connections that have no request, and on which nothing has come for a
// while: it is not known whether what was read before belongs to a request.
func (h *httpServer) endQuiet() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, t := range h.conns {
		if isHTTP1(t) && t.tls && c.quiet(time.Now().Add(-newQuiet)) {
			c.Close()
		}
	}
}

// closeTaken closes the connections that handlers have taken over and not given back.
func (h *httpServer) closeTaken() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, t := range h.conns {
		if t.taken {
			c.Close()
		}
	}
}

// state is the ConnState hook of the server.
func (h *httpServer) state(nc net.Conn, state http.ConnState) {
	c, overTLS := nc.(*conn), false
	if t, ok := nc.(*tls.Conn); ok {
		c, overTLS = t.NetConn().(*conn), true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.conns[c]
	if t == nil {
		return
	}
	t.tls = overTLS
	switch state {
	case http.StateActive:
		if overTLS && !t.http2 {
			t.http2 = nc.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" // the handshake is over
		}
		c.becomeBusy()
	case http.StateIdle:
		if !t.http2 {
			c.becomeIdle()
		}
	case http.StateHijacked:
		t.taken = true
		c.becomeBusy()
	case http.StateClosed:
		delete(h.conns, c)
	}
	h.change()
}

// connKey is the key of the *conn in the context of a connection.
type connKey struct{}

// wrap puts what HTTP needs around the hooks of the server.
func (h *httpServer) wrap() {
	s := h.server
	if _, ok := s.Handler.(*handler); ok {
		panic("serve: HTTP with a server that it was called with before: pass all listeners in one call")
	}
	next := s.Handler
	if next == nil {
		next = http.DefaultServeMux
	}
	s.Handler = &handler{next: next, server: h}

	base := s.BaseContext
	s.BaseContext = func(l net.Listener) context.Context {
		if base == nil {
			return h.ctx
		}
		if w, ok := l.(*listener); ok {
			l = w.Listener
		}
		return h.inside(base(l))
	}
	connContext := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if connContext != nil {
			ctx = connContext(ctx, outermost(c))
		}
		in, _ := c.(*conn)
		if t, ok := c.(*tls.Conn); ok {
			in, _ = t.NetConn().(*conn)
		}
		return context.WithValue(ctx, connKey{}, in)
	}
	connState := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		h.state(c, state)
		if connState != nil {
			connState(outermost(c), state)
		}
	}
}

// outermost returns what a server has without HTTP in place of c.
func outermost(c net.Conn) net.Conn {
	if in, ok := c.(*conn); ok {
		return in.Conn
	}
	return c
}

// inside returns a context with the values of ctx that is also done when that of the
// server is, and belongs to the same program.
func (h *httpServer) inside(ctx context.Context) context.Context {
	if ctx == nil {
		return nil // net/http panics
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, drainKey{}, h.drain))
	context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) }) // also when the nursery has ended
	return ctx
}
