package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/examples/internal/pipenet"
	stream "github.com/trellis-go/trellis/examples/stream"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// patience is how long a test waits for what must happen. It matters only if
// it does not.
const patience = time.Minute

// A host is a running server with a way to reach it.
type host struct {
	t      *testing.T
	server *stream.Server
	dial   func(ctx context.Context) (net.Conn, error)
	addr   string
	stop   func() error // stops the server and waits for its end
}

// loopback starts a server with real connections.
func loopback(t *testing.T, s stream.Settings) *host {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	return start(t, s, l, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	})
}

// piped starts a server whose connections are pipes in memory, for a bubble.
// They have no buffers: what one side writes waits until the other reads.
func piped(t *testing.T, s stream.Settings) *host {
	t.Helper()
	l := pipenet.Listen("stream.test")
	return start(t, s, l, func(ctx context.Context) (net.Conn, error) { return dialPipes(ctx, l) })
}

func start(t *testing.T, s stream.Settings, l net.Listener, dial func(context.Context) (net.Conn, error)) *host {
	h := &host{t: t, server: stream.NewServer(s), dial: dial, addr: l.Addr().String()}
	started, done := make(chan context.Context, 1), make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = serve.Program{Grace: time.Hour, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(), func(ctx context.Context, _ *nursery.Nursery) error {
			started <- ctx
			return serve.HTTP(ctx, &http.Server{Handler: h.server.Handler()}, l)
		})
	}()
	ctx := <-started
	h.stop = func() error {
		serve.Drain(ctx, nil)
		<-done
		return err
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if n := h.server.Clients(); n != 0 {
			t.Errorf("at the end the server remembers %d clients, want none", n)
		}
	})
	return h
}

// dialPipes connects to l by two pipes, one for each direction.
func dialPipes(ctx context.Context, l *pipenet.Listener) (net.Conn, error) {
	down, theirDown := net.Pipe()
	up, theirUp := net.Pipe()
	if err := l.Hand(ctx, &halfConn{theirUp, theirDown}); err != nil {
		return nil, err
	}
	return &halfConn{down, up}, nil
}

// A halfConn can be closed in one direction, as TCP can and net.Pipe cannot.
type halfConn struct {
	net.Conn          // to be read from
	up       net.Conn // to be written to
}

func (c *halfConn) Write(p []byte) (int, error)        { return c.up.Write(p) }
func (c *halfConn) SetWriteDeadline(t time.Time) error { return c.up.SetWriteDeadline(t) }
func (c *halfConn) SetDeadline(t time.Time) error {
	return errors.Join(c.Conn.SetReadDeadline(t), c.up.SetWriteDeadline(t))
}
func (c *halfConn) Close() error { return errors.Join(c.Conn.Close(), c.up.Close()) }

// get makes a plain request.
func (h *host) get(path string, header http.Header) (*http.Response, string) {
	h.t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return h.dial(ctx) }}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+h.addr+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for key, values := range header {
		req.Header[key] = values
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		h.t.Fatalf("GET %s: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatalf("GET %s: %v", path, err)
	}
	return resp, string(body)
}

// A client is a page, as it were.
type client struct {
	t    testing.TB
	id   string
	ws   *websocket.Conn
	conn net.Conn // below ws

	events chan stream.Event // closed by read
	err    error             // how reading ended; written before events is closed
}

// tab opens a connection that reads whatever comes.
func (h *host) tab(id string) *client {
	h.t.Helper()
	c := h.deaf(id)
	c.events = make(chan stream.Event, 1<<16) // so that reading never waits for the test
	go c.read()
	h.t.Cleanup(func() {
		c.ws.CloseNow()
		for range c.events {
		}
	})
	return c
}

// deaf opens a connection that does not read.
func (h *host) deaf(id string) *client {
	h.t.Helper()
	c, err := h.connect(id)
	if err != nil {
		h.t.Fatalf("client %s: %v", id, err)
	}
	return c
}

func (h *host) connect(id string) (*client, error) {
	c := &client{t: h.t, id: id}
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (conn net.Conn, err error) {
		c.conn, err = h.dial(ctx)
		return c.conn, err
	}}
	defer transport.CloseIdleConnections()
	var err error
	c.ws, _, err = websocket.Dial(ctx, "ws://"+h.addr+"/ws?client="+id, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, err
	}
	c.ws.SetReadLimit(-1)
	h.t.Cleanup(func() { c.ws.CloseNow() })
	return c, nil
}

func (c *client) read() {
	defer close(c.events)
	for {
		_, text, err := c.ws.Read(context.Background())
		if err != nil {
			c.err = err
			return
		}
		var e stream.Event
		if err := json.Unmarshal(text, &e); err != nil {
			c.err = fmt.Errorf("message %q: %w", text, err)
			return
		}
		c.events <- e
	}
}

// press sends a message.
func (c *client) press(text string) {
	c.t.Helper()
	if err := c.send(text); err != nil {
		c.t.Fatalf("client %s: press: %v", c.id, err)
	}
}

func (c *client) send(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// arrived returns when the server has read everything that was sent before: it
// answers in order.
func (c *client) arrived() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Ping(ctx); err != nil {
		c.t.Fatalf("client %s: ping: %v", c.id, err)
	}
}

// next returns the next message.
func (c *client) next() stream.Event {
	c.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case e, ok := <-c.events:
		if !ok {
			c.t.Fatalf("client %s: the connection has ended (%v), want another message", c.id, c.err)
		}
		return e
	case <-timer.C:
		c.t.Fatalf("client %s: no message", c.id)
	}
	panic("unreachable")
}

// expect checks the next messages.
func (c *client) expect(want ...stream.Event) {
	c.t.Helper()
	for _, want := range want {
		if got := c.next(); got != want {
			c.t.Fatalf("client %s: message %+v, want %+v", c.id, got, want)
		}
	}
}

// quiet checks that nothing has come that was not asked for.
func (c *client) quiet() {
	c.t.Helper()
	select {
	case e, ok := <-c.events:
		if !ok {
			c.t.Fatalf("client %s: the connection has ended: %v", c.id, c.err)
		}
		c.t.Fatalf("client %s: message %+v, want none", c.id, e)
	default:
	}
}

// closed waits for the end of the connection, and checks how it ended.
func (c *client) closed(status websocket.StatusCode, reason string) {
	c.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-c.events:
			if ok {
				continue
			}
		case <-timer.C:
			c.t.Fatalf("client %s: the connection does not end", c.id)
		}
		break
	}
	var got websocket.CloseError
	if !errors.As(c.err, &got) || got.Code != status || !strings.Contains(got.Reason, reason) {
		c.t.Fatalf("client %s: the connection ended with %v, want status %d and a reason with %q", c.id, c.err, status, reason)
	}
}

// jobs returns a list of n jobs that have names of their own.
func jobs(name string, n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id":"%s/%d","kind":"sleep"}`, name, i+1))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func started(run uint64, jobs int) stream.Event {
	return stream.Event{Type: "started", Run: run, Jobs: jobs}
}

func finished(run uint64, jobs int) stream.Event {
	return stream.Event{Type: "finished", Run: run, Jobs: jobs}
}

func replaced(run, by uint64) stream.Event {
	return stream.Event{Type: "replaced", Run: run, By: by}
}

// result is that of the jobs that jobs makes, with a server whose jobs return
// their names.
func result(run uint64, name string, job int) stream.Event {
	id := fmt.Sprint(name, "/", job)
	return stream.Event{Type: "result", Run: run, Job: job, ID: id, Value: id}
}
