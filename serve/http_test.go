package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A site is an HTTP server that runs in a program, and a raw client of it.
type site struct {
	*program
	addr string
}

func serveSite(t *testing.T, p serve.Program, handler http.HandlerFunc) *site {
	t.Helper()
	l := listen(t)
	return &site{addr: l.Addr().String(), program: run(t, p, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, &http.Server{Handler: handler}, l)
	})}
}

// A client is a connection to a site.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (s *site) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, c)
}

func newClient(t *testing.T, c net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Errorf("sending %q: %v", text, err)
	}
}

// answer reads a response and its body.
func (c *client) answer(t *testing.T) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatalf("reading the response: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("reading the body of the response: %v", err)
	}
	return res, string(text)
}

// wantEnd checks that the server closes the connection without another byte.
func (c *client) wantEnd(t *testing.T) {
	t.Helper()
	if text, err := io.ReadAll(c.r); len(text) > 0 || err != nil {
		t.Errorf("the connection ends with %q, %v, want nothing and no error", text, err)
	}
}

const get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

// A request in progress is answered, its context is not done meanwhile, and the client is
// asked to close the connection.
func TestRequestInProgressIsAnswered(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	var ctxErr error
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-serve.Closing(r.Context())
		<-release
		ctxErr = r.Context().Err()
		io.WriteString(w, "done")
	})
	c := s.dial(t)
	c.send(t, get)
	await(t, "the request", inside)
	serve.Drain(s.ctx, nil)
	after(t, 20*time.Millisecond)
	s.wantRunning(t)
	close(release)
	if res, text := c.answer(t); text != "done" || !res.Close {
		t.Errorf("answer %q, Close %t, want done, and true", text, res.Close)
	}
	c.wantEnd(t)
	s.wantEnd(t, nil)
	if ctxErr != nil {
		t.Errorf("the context of the request: %v, want nil", ctxErr)
	}
}

// A request is answered if a byte of it has been read when the listener is closed.
func TestRequestBegunIsAnswered(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("first=%t", first), func(t *testing.T) {
			t.Parallel()
			s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "hello")
			})
			c := s.dial(t)
			if !first {
				c.send(t, get)
				if res, _ := c.answer(t); res.Close {
					t.Error("a response before the drain asks for the end of the connection")
				}
			}
			c.send(t, get[:10])
			after(t, 50*time.Millisecond) // so that it has been read
			serve.Drain(s.ctx, nil)
			after(t, 1500*time.Millisecond) // longer than what is read of idle connections
			c.send(t, get[10:])
			if res, text := c.answer(t); text != "hello" || !res.Close {
				t.Errorf("answer %q, Close %t, want hello, and true", text, res.Close)
			}
			s.wantEnd(t, nil)
		})
	}
}

// after waits for a moment. What must happen in it is not visible from outside.
func after(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// While the program lingers, requests are answered on old and new connections, and asked
// to close them; idle connections stay open. Then they are closed.
func TestHTTPLingers(t *testing.T) {
	t.Parallel()
	const linger = 2 * time.Second
	s := serveSite(t, serve.Program{Grace: patience, Linger: linger}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	})
	idle, used := s.dial(t), s.dial(t)
	for _, c := range []*client{idle, used} {
		c.send(t, get)
		if res, _ := c.answer(t); res.Close {
			t.Error("a response before the drain asks for the end of the connection")
		}
	}
	start := time.Now()
	serve.Drain(s.ctx, nil)
	for _, c := range []*client{used, s.dial(t)} {
		c.send(t, get)
		if res, text := c.answer(t); text != "hello" || !res.Close {
			t.Errorf("in the drain: answer %q, Close %t, want hello, and true", text, res.Close)
		}
		c.wantEnd(t)
	}
	idle.wantEnd(t)
	if took := time.Since(start); took < linger {
		t.Errorf("an idle connection was closed after %v, want %v at least", took, linger)
	}
	s.wantEnd(t, nil)
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("after the drain a connection was accepted")
	}
}

// A stream of events ends by itself, and HTTP waits for it.
func TestStreamSeesTheDrain(t *testing.T) {
	t.Parallel()
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "event\n")
		w.(http.Flusher).Flush()
		select {
		case <-serve.Draining(r.Context()):
			io.WriteString(w, "bye\n")
		case <-r.Context().Done():
		}
	})
	c := s.dial(t)
	c.send(t, get)
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "event\n" || err != nil {
		t.Errorf("first line %q, %v, want event", line, err)
	}
	serve.Drain(s.ctx, nil)
	if text, err := io.ReadAll(lines); string(text) != "bye\n" || err != nil {
		t.Errorf("the stream ends with %q, %v, want bye", text, err)
	}
	s.wantEnd(t, nil)
}

// A handler that has taken its connection over sees the drain, and HTTP waits for it.
func TestTakenConnectionSeesTheDrain(t *testing.T) {
	t.Parallel()
	taken, release := make(chan struct{}), make(chan struct{})
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, ok := c.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); !ok {
			t.Errorf("NetConn of a %T is not that of the listener", c)
		}
		close(taken)
		<-serve.Draining(r.Context())
		<-release
		io.WriteString(c, "bye")
	})
	c := s.dial(t)
	c.send(t, get)
	await(t, "the handler", taken)
	serve.Drain(s.ctx, nil)
	after(t, 50*time.Millisecond)
	s.wantRunning(t)
	close(release)
	if text, err := io.ReadAll(c.r); string(text) != "bye" || err != nil {
		t.Errorf("the connection ends with %q, %v, want bye", text, err)
	}
	s.wantEnd(t, nil)
}

// Several listeners are served by one server, and all are closed.
func TestHTTPOnSeveralListeners(t *testing.T) {
	t.Parallel()
	one, two := listen(t), listen(t)
	p := run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
		return serve.HTTP(ctx, &http.Server{Handler: hello}, one, two)
	})
	for _, l := range []net.Listener{one, two} {
		c := (&site{addr: l.Addr().String()}).dial(t)
		c.send(t, strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		if _, text := c.answer(t); text != "hello" {
			t.Errorf("answer on %v: %q, want hello", l.Addr(), text)
		}
	}
	serve.Drain(p.ctx, nil)
	p.wantEnd(t, nil)
	for _, l := range []net.Listener{one, two} {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close of a listener afterwards = %v, want net.ErrClosed", err)
		}
	}
}

// Without a listener HTTP listens on Addr, and the errors of that are returned.
func TestHTTPListens(t *testing.T) {
	t.Parallel()
	l := listen(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := serve.HTTP(ctx, &http.Server{Addr: l.Addr().String()})
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		t.Errorf("HTTP on a port in use = %v, want the error of listen", err)
	}
	other := listen(t)
	if err := serve.HTTP(ctx, &http.Server{Addr: l.Addr().String()}, other, nil); !errors.As(err, &op) {
		t.Errorf("HTTP on a listener and a port in use = %v, want the error of listen", err)
	}
	if err := other.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close of the listener afterwards = %v, want net.ErrClosed", err)
	}
	where := make(chan net.Addr, 1)
	server := &http.Server{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(), BaseContext: func(l net.Listener) context.Context {
		where <- l.Addr()
		return context.Background()
	}}
	s := new(site)
	s.program = run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, server, nil)
	})
	select {
	case addr := <-where:
		s.addr = addr.String()
	case <-s.ended:
		t.Fatalf("Run = %v, before HTTP listens", s.wait())
	}
	if !strings.HasPrefix(s.addr, "127.0.0.1:") {
		t.Errorf("HTTP listens on %s, want a port of 127.0.0.1", s.addr)
	}
	c := s.dial(t)
	c.send(t, get)
	if res, _ := c.answer(t); res.StatusCode != http.StatusNotFound {
		t.Errorf("status %d, want 404", res.StatusCode)
	}
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
}

// A program that drains before the server starts serves what the kernel has accepted.
func TestHTTPAfterTheDrain(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &site{addr: l.Addr().String()}
	waiting := s.dial(t) // in the queue of the kernel
	waiting.send(t, get)
	s.program = run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		serve.Drain(ctx, nil)
		return serve.HTTP(ctx, &http.Server{Handler: http.NotFoundHandler()}, l)
	})
	if res, _ := waiting.answer(t); res.StatusCode != http.StatusNotFound || !res.Close {
		t.Errorf("status %d, Close %t, want 404 and true", res.StatusCode, res.Close)
	}
	s.wantEnd(t, nil)
}

// Shutdown by other code ends HTTP without an error.
func TestHTTPShutDownElsewhere(t *testing.T) {
	t.Parallel()
	l := listen(t)
	server := &http.Server{Handler: http.NotFoundHandler()}
	p := run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, server, l)
	})
	c := (&site{addr: l.Addr().String()}).dial(t)
	c.send(t, get)
	c.answer(t)
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	p.wantEnd(t, nil)
}

// A broken is a listener whose Accept fails.
type broken struct {
	net.Listener
	err error
}

func (b broken) Accept() (net.Conn, error) { return nil, b.err }

// An error of accepting is returned as it is, when the requests have ended.
func TestHTTPAcceptFails(t *testing.T) {
	t.Parallel()
	inside := make(chan struct{})
	var cause error
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
		cause = context.Cause(r.Context())
	})}
	good := listen(t)
	l := &late{broken{listen(t), errTest}, make(chan struct{})}
	wait := start(t, func() error { return serve.HTTP(t.Context(), server, good, l) })
	c := (&site{addr: good.Addr().String()}).dial(t)
	c.send(t, get)
	await(t, "the request", inside)
	close(l.now)
	if err := wait(); err != errTest {
		t.Errorf("HTTP = %v (%T), want the error of Accept as it is", err, err)
	}
	if !errors.Is(cause, errTest) {
		t.Errorf("the cause of the request's context is %v, want one with the error of Accept", cause)
	}
}

// A late is a broken listener that fails when now is closed.
type late struct {
	broken
	now chan struct{}
}

func (l *late) Accept() (net.Conn, error) {
	<-l.now
	return l.broken.Accept()
}
