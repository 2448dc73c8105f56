package main

import (
	"bufio"
	"context"
	_ "embed"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/tasktree"
)

//go:embed index.html
var page []byte

// A server is what all tabs share.
type server struct {
	options
	log       *slog.Logger
	seats     seats
	presses   atomic.Uint64 // how many there have been; the number of a run is that of its press
	do        func(ctx context.Context, j job) (string, error)
	pingEvery time.Duration
}

func newServer(o options, log *slog.Logger) *server {
	return &server{
		options: o,
		log:     log,
		do:      func(ctx context.Context, j job) (string, error) { return j.do(ctx) },
		// A pong has the rest of the write timeout to come back. So a client
		// that vanishes between two pings is noticed within the whole of it.
		pingEvery: o.writeTimeout / 4,
	}
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	mux.HandleFunc("GET /ws", s.serveTab)
	mux.Handle("GET /debug/tasks", tasktree.Handler(tasktree.HandlerOptions{}))
	return mux
}

func (s *server) servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	// The page needs nothing from anywhere else, and the browser holds it to that.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "+
		"img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Write(page)
}

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// serveTab turns a request into a websocket, and returns when that has ended.
func (s *server) serveTab(w http.ResponseWriter, r *http.Request) {
	client := r.URL.Query().Get("client")
	if !validID.MatchString(client) {
		http.Error(w, "client: must be 1 to 64 letters, digits, - and _", http.StatusBadRequest)
		return
	}
	seat := s.seats.arrive(client)
	defer s.seats.depart(seat)
	taken := takenOver{ResponseWriter: w}
	ws, err := websocket.Accept(&taken, r, nil)
	if err != nil {
		s.log.Info("no websocket", "client", client, "error", err) // the answer has been written
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxMessage)

	log := s.log.With("client", client, "from", r.RemoteAddr)
	log.Info("tab opened")
	t := &tab{server: s, seat: seat, ws: ws, conn: taken.conn, log: log}
	log.Info("tab closed", "reason", t.serve(r.Context()))
}

// takenOver is a response writer that remembers the connection below a
// websocket: to say goodbye within a time limit takes the deadlines of that.
type takenOver struct {
	http.ResponseWriter
	conn net.Conn
}

func (t *takenOver) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.conn = conn
	return conn, rw, err
}
