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

// flushTime is how long net/http may take to send the end of an answer by HTTP/2, after it
// has called the connection idle.
const flushTime = 100 * time.Millisecond

// tracking is what an httpServer knows of its connections and requests.
type tracking struct {
	mu      sync.Mutex
	conns   map[*conn]*tracked // guarded by mu; without those that are gone
	count   [places]int        // guarded by mu; how many of conns are where
	running int                // guarded by mu; handlers
	answers int                // guarded by mu; connections on which net/http may still be writing an answer
	flushed time.Time          // guarded by mu; by when it has sent the answers that it has written by HTTP/2
	late    bool               // guarded by mu; a handler has returned when the context was done
	ending  bool               // guarded by mu; connections end when they are idle
}

// A tracked is the state of a connection. It is guarded by the mu of the tracking.
type tracked struct {
	place  place
	tls    bool // it is below TLS
	busy   bool // it has a request
	answer bool // a handler has returned, and net/http may still be writing its answer
}

// A place is what a connection belongs to.
type place int

const (
	http1  place = iota // net/http, by HTTP/1 or in a TLS handshake
	http2               // net/http, by HTTP/2
	taken               // a handler that has taken it over
	gone                // nothing
	places              // how many there are
)

// moveLocked makes a tracked connection belong to something else.
func (h *httpServer) moveLocked(c *conn, to place) {
	t := h.conns[c]
	if t == nil {
		return
	}
	h.count[t.place]--
	h.count[to]++
	t.place = to
	if to == gone || to == taken {
		h.answerLocked(t, false)
	}
	if to == gone {
		delete(h.conns, c)
	}
}

// open returns how many connections there are that net/http has: by HTTP/1, or all.
func (h *httpServer) open() (one, all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count[http1], h.count[http1] + h.count[http2]
}

// requests returns the number of handlers that run.
func (h *httpServer) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
}

// answerLocked notes whether net/http may still be writing an answer on a connection.
func (h *httpServer) answerLocked(t *tracked, is bool) {
	if t.answer == is {
		return
	}
	t.answer = is
	if is {
		h.answers++
	} else {
		h.answers--
	}
}

// unsent returns for how long answers may still be in the buffers of net/http, although
// all handlers have returned, and whether that is not known yet.
func (h *httpServer) unsent() (rest time.Duration, unknown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.flushed), h.answers > 0
}

// wasCut reports whether a handler was running when the context was done.
func (h *httpServer) wasCut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.late
}

// track makes an accepted connection known.
func (h *httpServer) track(c net.Conn) *conn {
	in := newConn(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[in] = new(tracked)
	h.count[http1]++
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
		if t.place == http1 {
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
		if t.place == http1 && t.tls && c.quiet(time.Now().Add(-newQuiet)) {
			c.Close()
		}
	}
}

// closeTaken closes the connections that handlers have taken over and not given back.
func (h *httpServer) closeTaken() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, t := range h.conns {
		if t.place == taken {
			c.Close()
		}
	}
}

// state is the ConnState hook of the server.
func (h *httpServer) state(nc net.Conn, state http.ConnState) {
	c := trackedConn(nc)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.conns[c]
	if t == nil {
		return
	}
	over, isTLS := nc.(*tls.Conn)
	t.tls = isTLS
	switch state {
	case http.StateActive:
		t.busy = true
		if isTLS && over.ConnectionState().NegotiatedProtocol == "h2" || // the handshake is over
			!isTLS && h.plain2 && c.begunAsHTTP2() { // net/http calls this before the first request
			h.moveLocked(c, http2)
		}
		c.becomeBusy()
	case http.StateIdle:
		t.busy = false
		h.answerLocked(t, false)
		switch t.place {
		case http1:
			c.becomeIdle()
		case http2:
			h.flushed = time.Now().Add(flushTime)
		}
	case http.StateHijacked:
		h.moveLocked(c, taken)
		c.becomeBusy()
	case http.StateClosed:
		h.moveLocked(c, gone)
	}
	h.change()
}

// connKey is the key of the *conn in the context of a connection.
type connKey struct{}

// wrap puts what HTTP needs around the hooks of the server.
func (h *httpServer) wrap() {
	s := h.server
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
		return context.WithValue(ctx, connKey{}, trackedConn(c))
	}
	connState := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		defer h.state(c, state) // also if the hook exits; and HTTP waits for the last one
		if connState != nil {
			connState(outermost(c), state)
		}
	}
}

// trackedConn returns the connection that was tracked when c was accepted.
func trackedConn(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	in, _ := c.(*conn)
	return in
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
