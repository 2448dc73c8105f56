package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// HTTP serves s on the listeners until the program drains or ctx is done, and returns
// when every handler has returned, also those that have taken their connections over. It
// listens on s.Addr if there are no listeners, and in place of one that is nil. If
// s.TLSConfig is not nil it serves TLS, with HTTP/2, and the certificates are those of
// TLSConfig; the listeners are plain in any case.
//
// When the drain begins, responses ask clients to close their connections: by
// Connection: close, and by GOAWAY in HTTP/2. Connections and requests are still
// accepted until [Closing]. Then the listeners are closed, after the connections that
// the kernel has made already have been accepted. (One whose handshake is in progress at
// this very moment is reset; Linger is there so that none comes. A listener without a
// method SetDeadline, which those of package net have, loses all that were not accepted
// before.) Connections without a request are closed; a request of which a byte has been
// read is answered, and HTTP waits for it. (The exception is a part of a request that a
// client has sent together with the one before, and does not complete within 100
// milliseconds after the answer to that.) Meanwhile the contexts of requests are not done:
// handlers that would run for long, or that have taken their connections over, watch
// [Draining] or [Closing], with the contexts of their requests.
//
// If ctx is done, HTTP accepts nothing more and cancels the contexts of all requests,
// which lie inside ctx. Handlers have a second to answer, and net/http to send what they
// answered; then all connections are closed, which ends handlers that wait for their
// clients, connections that were taken over included. HTTP waits for handlers as long as
// they run, and then returns the cancellation if any handler was running when ctx was
// done, else nil.
//
// Errors of listening and accepting are returned as they are; they cancel the requests.
// A handler that panics ends its own connection only: package net/http logs it. If
// Shutdown or Close of s is called elsewhere, HTTP returns nil when all handlers have
// returned.
//
// HTTP closes the listeners in any case. It changes s, which must not be used for
// anything else afterwards:
//
//   - Handler is wrapped. The ResponseWriter has all that of net/http, such as Flush and
//     Hijack, by methods of its own. Only http.MaxBytesReader looks for a type of net/http:
//     it limits the body, but does not close the connection.
//   - BaseContext is wrapped: what it returns is made to lie inside ctx. Without one, it
//     is ctx.
//   - ConnContext and ConnState are wrapped. They get the connections of the listener
//     (or, with TLS, a *tls.Conn), as without HTTP. HTTP waits for calls of ConnState, as
//     it does for handlers.
//   - The connections that net/http reads from are wrapped below TLS. Hijack returns
//     such a connection, and its method NetConn that of the listener.
//
// Functions of RegisterOnShutdown are called when the connections of HTTP/1 have ended.
//
// HTTP panics if ctx or s is nil, or if it has served s before.
func HTTP(ctx context.Context, s *http.Server, listeners ...net.Listener) error {
	switch {
	case ctx == nil:
		panic("serve: HTTP with a nil context: pass the context of the task")
	case s == nil:
		panic("serve: HTTP with a nil server: pass at least &http.Server{Handler: handler}")
	}
	if _, ok := s.Handler.(*handler); ok {
		panic("serve: HTTP with a server that it was called with before: pass all listeners in one call")
	}
	listeners, err := listen(ctx, s, listeners)
	if err != nil {
		return err
	}
	h := &httpServer{server: s, secure: s.TLSConfig != nil, drain: drainOf(ctx), changed: make(chan struct{}, 1)}
	h.plain2 = s.Protocols != nil && s.Protocols.UnencryptedHTTP2()
	h.conns = make(map[*conn]*tracked)
	h.wrap()
	var addrs []string
	for _, l := range listeners {
		addrs = append(addrs, l.Addr().String())
	}
	config := nursery.Config{Name: "HTTP on " + strings.Join(addrs, ", ")} // which is in no error, because of First
	err = config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		h.ctx, h.node = ctx, tree.Record(ctx)
		return h.run(n, listeners)
	})
	return nursery.First(err)
}

// listen returns the listeners, and opens those that are nil, or one if there are none.
func listen(ctx context.Context, s *http.Server, given []net.Listener) ([]net.Listener, error) {
	if len(given) == 0 {
		given = []net.Listener{nil}
	}
	listeners := make([]net.Listener, 0, len(given))
	var failed error
	if c := s.TLSConfig; c != nil && len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		failed = errNoCertificate
	}
	for _, l := range given {
		if l == nil && failed == nil {
			addr := s.Addr
			switch {
			case addr == "" && s.TLSConfig != nil:
				addr = ":https"
			case addr == "":
				addr = ":http"
			}
			l, failed = new(net.ListenConfig).Listen(ctx, "tcp", addr)
		}
		if l != nil {
			listeners = append(listeners, l)
		}
	}
	if failed != nil {
		for _, l := range listeners {
			l.Close()
		}
	}
	return listeners, failed
}

// An httpServer is a server that HTTP runs.
type httpServer struct {
	server *http.Server
	secure bool            // it serves TLS; read-only, because Serve gives the server a TLSConfig
	plain2 bool            // it serves HTTP/2 without TLS; read-only
	drain  *drain          // nil if there is none
	ctx    context.Context // that of requests; written before anything is served
	node   *record.Node    // of ctx, nil if recording is off; written with ctx

	serving atomic.Int32  // calls of Serve that have not returned
	broken  atomic.Bool   // a call of Serve has panicked, and a connection may not be served
	changed chan struct{} // gets a value when something has changed that end waits for

	tracking
}

// closeTail is how long handlers may take to answer when they have been canceled.
const closeTail = time.Second

// run serves, and ends the server when it is time.
func (h *httpServer) run(n *nursery.Nursery, listeners []net.Listener) error {
	h.serving.Store(int32(len(listeners)))
	for _, l := range listeners {
		a := newAcceptor(h.ctx, h.drain, l)
		hidden := make(chan struct{})
		n.GoNamed("accept", func(own context.Context) error {
			hide(own) // it is no work that a drain waits for
			close(hidden)
			defer h.change()
			defer h.serving.Add(-1)
			defer a.close()
			return h.serve(&listener{Listener: l, from: a, to: h})
		})
		<-hidden
	}
	ended := func() bool { return h.serving.Load() == 0 }
	var err error
	if h.await(h.ctx, ended) { // nothing is accepted any more, or the server was closed elsewhere
		err = h.finish()
	}
	if h.ctx.Err() == nil && err == nil {
		return nil
	}
	return h.cut(ended)
}

// serve calls Serve, and returns its error if that is one.
func (h *httpServer) serve(l net.Listener) (err error) {
	returned := false
	defer func() {
		if !returned {
			h.broken.Store(true) // a hook of the user has panicked
		}
	}()
	if h.secure {
		err = h.server.ServeTLS(l, "", "")
	} else {
		err = h.server.Serve(l)
	}
	returned = true
	h.drain.warn(err)
	if errors.Is(err, errAccepted) || errors.Is(err, http.ErrServerClosed) || h.ctx.Err() != nil {
		return nil
	}
	return err
}

// finish lets all requests come to their end. It returns an error if the context is done
// before that.
func (h *httpServer) finish() error {
	h.endIdle()
	// Shutdown makes net/http drop requests that it is just reading. So first all
	// connections end that do not speak HTTP/2; those that do need a Shutdown, which
	// sends GOAWAY.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if one, _ := h.open(); one == 0 {
			break
		}
		select {
		case <-h.changed:
		case <-tick.C:
			h.endQuiet()
		case <-h.ctx.Done():
			return h.ctx.Err()
		}
	}
	if err := h.server.Shutdown(h.ctx); err != nil && h.ctx.Err() != nil {
		return err
	}
	if !h.await(h.ctx, func() bool { return h.closed() && h.requests() == 0 }) {
		return h.ctx.Err()
	}
	return nil
}

// awaitSent waits, after all handlers have returned, until net/http has sent what they
// answered, or until ctx is done.
func (h *httpServer) awaitSent(ctx context.Context) {
	for {
		rest, unknown := h.unsent()
		if !unknown && rest <= 0 {
			return
		}
		var over <-chan time.Time
		if !unknown {
			over = time.After(rest)
		}
		select {
		case <-h.changed:
		case <-over:
		case <-ctx.Done():
			return
		}
	}
}

// cut ends everything, since the context is done, and returns the cancellation if there
// were requests.
func (h *httpServer) cut(ended func() bool) error {
	h.endIdle()
	done := func() bool { return ended() && h.requests() == 0 }
	_ = cancelscope.Shield(h.ctx, closeTail, func(ctx context.Context) error {
		if h.await(ctx, done) {
			h.awaitSent(ctx)
		}
		return nil
	})
	h.closeTaken()
	h.server.Close()
	for !done() || !h.closed() && !h.broken.Load() {
		<-h.changed
		h.closeTaken() // one may have been taken over just before Close
	}
	if h.wasCut() {
		return context.Cause(h.ctx)
	}
	return nil
}

// closed reports whether net/http has no connections any more.
func (h *httpServer) closed() bool {
	_, all := h.open()
	return all == 0
}

// await waits until ok returns true, and reports whether it has before ctx was done.
func (h *httpServer) await(ctx context.Context, ok func() bool) bool {
	for !ok() {
		select {
		case <-h.changed:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// change wakes the one goroutine that waits for a change.
func (h *httpServer) change() {
	select {
	case h.changed <- struct{}{}:
	default: // it has not looked since the last change
	}
}

var errNoCertificate = errors.New("serve: HTTP with a TLSConfig that has no certificate: set Certificates, GetCertificate or GetConfigForClient")

var errTLSListener = errors.New("serve: HTTP with a listener of package crypto/tls: pass the listener inside it, and set TLSConfig")

// A listener is what net/http accepts from.
type listener struct {
	net.Listener
	from *acceptor
	to   *httpServer
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.from.next()
	if err != nil {
		return nil, err
	}
	if _, ok := c.(*tls.Conn); ok {
		c.Close()
		return nil, errTLSListener // below our connection net/http would not know it
	}
	return l.to.track(c), nil
}
