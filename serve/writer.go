package serve

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// A handler is the outermost handler of a server.
type handler struct {
	next   http.Handler // read-only, as server is
	server *httpServer
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := h.server
	c, _ := r.Context().Value(connKey{}).(*conn)
	// A client that begins HTTP/2 where only HTTP/1 is served has a request of HTTP/1 with the
	// version 2, by which a handler can take the connection over.
	_, one := w.(http.Hijacker)
	if !one {
		s.speaksHTTP2(c)
	}
	s.begin()
	out := &writer{ResponseWriter: w, server: s}
	returned := false
	defer s.finished(c)
	if s.node != nil {
		recorded, end := s.record(r)
		defer end()
		r = recorded
	}
	defer func() {
		if !returned && out.taken {
			s.abandon(c, r, recover())
		}
	}()
	if one {
		h.next.ServeHTTP(http1Writer{out}, r)
	} else {
		h.next.ServeHTTP(http2Writer{out}, r)
	}
	out.head(http.StatusOK) // if it has not written any
	returned = true
}

// record makes a request a task in the tree that package tasktree shows.
func (h *httpServer) record(r *http.Request) (recorded *http.Request, end func()) {
	node := record.New(record.Task, r.Context(), h.node, r.Method+" "+r.URL.Path, nil)
	tree.Link(node)
	node.Enter()
	if r.Trailer == nil && len(r.TransferEncoding) > 0 {
		// Into that of r, net/http would put trailers which the client has not declared.
		r.Trailer = make(http.Header)
	}
	recorded = r.WithContext(node)
	return recorded, func() {
		node.End()
		r.MultipartForm = recorded.MultipartForm // net/http removes its files
	}
}

// begin counts a handler that begins.
func (h *httpServer) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running++
}

// finished counts a handler that has returned. If it has taken the connection over, that
// is its own business now.
func (h *httpServer) finished(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running--
	h.late = h.late || h.ctx.Err() != nil
	if t := h.conns[c]; t != nil {
		if t.place == taken {
			h.moveLocked(c, gone)
		} else {
			h.answerLocked(t, t.busy)
		}
	}
	h.change()
}

// speaksHTTP2 notes that a connection speaks HTTP/2, of which there is no other sign
// without TLS.
func (h *httpServer) speaksHTTP2(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moveLocked(c, http2)
}

// abandon is called when a handler has panicked, or exited, after it had taken its
// connection over. The connection is closed, and the panic logged, before the handler
// counts as ended: net/http would log it afterwards, when the program may be gone.
func (h *httpServer) abandon(c *conn, r *http.Request, value any) {
	if c != nil {
		c.Close()
	}
	if value == nil {
		return // runtime.Goexit
	}
	if value != http.ErrAbortHandler {
		logf := log.Printf
		if h.server.ErrorLog != nil {
			logf = h.server.ErrorLog.Printf
		}
		logf("http: panic serving %v: %v\n%s", r.RemoteAddr, value, debug.Stack())
	}
	panic(http.ErrAbortHandler) // ends the goroutine of the connection without a word
}

// A writer is the ResponseWriter of a handler. It asks the client to close the connection
// when the program drains. It is used by one goroutine at a time, like that of net/http.
type writer struct {
	http.ResponseWriter
	server *httpServer
	headed bool // the header has been written
	taken  bool // the connection has been taken over
}

// head is called before the header may be written.
func (w *writer) head(status int) {
	if w.headed || status < 200 {
		return
	}
	w.headed = true
	if w.server.drain.isBegun() {
		w.Header().Set("Connection", "close") // in HTTP/2 it becomes a GOAWAY
	}
}

func (w *writer) WriteHeader(status int) {
	w.head(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	w.head(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

func (w *writer) WriteString(s string) (int, error) {
	w.head(http.StatusOK)
	return io.WriteString(w.ResponseWriter, s)
}

func (w *writer) Flush() { _ = w.FlushError() }

func (w *writer) FlushError() error {
	w.head(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *writer) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetReadDeadline(t)
}

func (w *writer) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

func (w *writer) EnableFullDuplex() error {
	return http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
}

// CloseNotify is for programs from before requests had contexts.
func (w *writer) CloseNotify() <-chan bool {
	if n, ok := w.ResponseWriter.(interface{ CloseNotify() <-chan bool }); ok {
		return n.CloseNotify()
	}
	return nil
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// An http1Writer has what only HTTP/1 has.
type http1Writer struct{ *writer }

func (w http1Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.taken = w.taken || err == nil
	return c, rw, err
}

func (w http1Writer) ReadFrom(r io.Reader) (int64, error) {
	w.head(http.StatusOK)
	return io.Copy(w.ResponseWriter, r)
}

// An http2Writer has what only HTTP/2 has.
type http2Writer struct{ *writer }

func (w http2Writer) Push(target string, options *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, options)
	}
	return http.ErrNotSupported
}
