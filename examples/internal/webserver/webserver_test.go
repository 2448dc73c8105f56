package webserver_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/examples/internal/pipenet"
	"github.com/trellis-go/trellis/examples/internal/webserver"
)

// A running server, and what became of it.
type running struct {
	addr string
	stop context.CancelFunc
	done chan struct{} // closed when Run has returned
	err  error         // of Run, to be read after done
}

// start runs handler on loopback. The test must end the server.
func start(t *testing.T, handler http.Handler) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, handler)
}

func serve(t *testing.T, l net.Listener, handler http.Handler) *running {
	ctx, stop := context.WithCancel(t.Context())
	s := &running{addr: l.Addr().String(), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = webserver.Run(ctx, l, handler)
	}()
	return s
}

// end stops the server and returns the error of Run.
func (s *running) end() error {
	s.stop()
	<-s.done
	return s.err
}

func (s *running) endWell(t *testing.T) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// get returns the body of a response, and closes its connection.
func (s *running) get(t *testing.T, path string) (string, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://" + s.addr + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

type key struct{}

// Requests run inside the context of Run: they have its values, and a request
// that is under way when it is done ends in good order.
func TestRequests(t *testing.T) {
	entered := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/value", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Context().Value(key{}).(string))
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		io.WriteString(w, "canceled")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "from outside"))
	result := make(chan error)
	go func() { result <- webserver.Run(ctx, l, mux) }()
	s := &running{addr: l.Addr().String()}

	if body, err := s.get(t, "/value"); body != "from outside" || err != nil {
		t.Errorf("GET /value = %q, %v, want the value of Run's context", body, err)
	}
	go func() {
		<-entered
		stop()
	}()
	if body, err := s.get(t, "/wait"); body != "canceled" || err != nil {
		t.Errorf("GET /wait at the end = %q, %v, want canceled", body, err)
	}
	if err := <-result; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// The point of the package: Run waits for a handler that has taken its
// connection over, and no client can connect while it does.
func TestWaitsForWebsocket(t *testing.T) {
	canceled, cleanUp := make(chan struct{}), make(chan struct{})
	cleanedUp := false
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		// Not under the context of the request: the connection would be cut if
		// that is done before Write has returned, which may be after the other
		// side has read.
		c.Write(context.WithoutCancel(r.Context()), websocket.MessageText, []byte("hello"))
		<-r.Context().Done()
		close(canceled)
		<-cleanUp
		c.Close(websocket.StatusGoingAway, "over")
		cleanedUp = true // Run's return must come after this, or the race detector complains
	}))
	c, _, err := websocket.Dial(t.Context(), "ws://"+s.addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if _, data, err := c.Read(t.Context()); string(data) != "hello" {
		t.Fatalf("Read = %q, %v, want hello", data, err)
	}

	s.stop()
	<-canceled
	// The listener is closed meanwhile, which cannot be waited for.
	for {
		other, err := net.Dial("tcp", s.addr)
		if err != nil {
			break
		}
		other.Close()
	}
	select {
	case <-s.done:
		t.Errorf("Run returned while a handler ran")
	default:
	}
	close(cleanUp)
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("Read = %v, want the status of going away", err)
	}
	s.endWell(t)
	if !cleanedUp {
		t.Errorf("Run returned before the handler did")
	}
}

// A panic ends the connection that it concerns, and its count: Run returns.
func TestPanic(t *testing.T) {
	var log lockedBuffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))

	mux := http.NewServeMux()
	mux.HandleFunc("/plain", func(http.ResponseWriter, *http.Request) { panic("plain trouble") })
	mux.HandleFunc("/websocket", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		panic("websocket trouble")
	})
	mux.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "good") })
	s := start(t, mux)

	if body, err := s.get(t, "/plain"); err == nil {
		t.Errorf("GET /plain = %q, want an error", body)
	}
	if c, _, err := websocket.Dial(t.Context(), "ws://"+s.addr+"/websocket", nil); err == nil {
		if _, _, err := c.Read(t.Context()); err == nil {
			t.Errorf("Read from a handler that panicked = nil, want an error")
		}
		c.CloseNow()
	}
	if body, err := s.get(t, "/good"); body != "good" || err != nil {
		t.Errorf("GET /good after panics = %q, %v", body, err)
	}
	s.endWell(t)
	for _, want := range []string{"level=ERROR", "plain trouble", "websocket trouble"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// If accepting fails, requests are canceled as well, and the error is returned.
func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.Close()
		<-r.Context().Done()
		io.WriteString(w, "canceled")
	}))
	if body, err := s.get(t, "/"); body != "canceled" || err != nil {
		t.Errorf("GET / when the listener fails = %q, %v, want canceled", body, err)
	}
	<-s.done // without being stopped
	if err := s.end(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run = %v, want the error of the listener", err)
	}
}

func TestDoneBefore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := webserver.Run(ctx, l, http.NotFoundHandler()); err != nil {
		t.Errorf("Run under a context that is done = %v, want nil", err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Errorf("the listener is open after Run")
	}
}

// How long the end takes. In a bubble the times are exact.
func TestTimeToEnd(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	const stuckBody = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12"
	for _, c := range []struct {
		name  string
		send  string
		read  bool // a response
		limit time.Duration
		fails bool
	}{
		{"silent", "", false, 0, false},
		{"half a header", "GET / HT", false, 0, false},
		{"idle", request, true, 0, false},
		{"idle, and half a header", request + "GE", true, 0, false},
		{"stuck in its body", stuckBody, false, 0, false},
		{"stuck in its body, and not reading the answer", stuckBody, false, 5 * time.Second, true},
		{"not reading the answer", request, false, 5 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := pipenet.Listen("pipes")
				s := serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(w, r.Body)
				}))
				client, server := net.Pipe()
				defer client.Close()
				l.Hand(t.Context(), server)
				io.WriteString(client, c.send)
				if c.read {
					if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
						t.Fatal(err)
					}
				}
				if c.limit == 0 {
					go io.Copy(io.Discard, client)
				}
				// The server waits for more, or for the client to read.
				synctest.Wait()
				begin := time.Now()
				err := s.end()
				if (err != nil) != c.fails {
					t.Errorf("Run = %v, want an error: %t", err, c.fails)
				}
				// Shutdown looks at intervals, and so does not end at once.
				if took := time.Since(begin); took < c.limit || took > c.limit+time.Second {
					t.Errorf("Run took %v to end, want %v", took, c.limit)
				}
			})
		})
	}
}

// A client that does not continue a request, or does not take the answer, loses the
// connection, whether or not the handler reads or writes.
func TestTimeForRequests(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }
	echo := func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }
	for _, c := range []struct {
		name    string
		send    string
		read    bool // until the server closes
		handler http.HandlerFunc
		limit   time.Duration
	}{
		{"half a header", "GET / HT", true, answer, 10 * time.Second},
		{"half a body that is not read", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12", true, answer, 10 * time.Second},
		{"half a body that is read", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12", true, echo, 10 * time.Second},
		{"no further request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, answer, time.Minute},
		{"not reading the answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, answer, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := pipenet.Listen("pipes")
				s := serve(t, l, c.handler)
				defer s.endWell(t)
				client, server := net.Pipe()
				defer client.Close()
				closed := make(chan struct{})
				l.Hand(t.Context(), watched{server, closed})
				begin := time.Now()
				io.WriteString(client, c.send)
				if c.read {
					io.Copy(io.Discard, client)
				}
				<-closed
				if took := time.Since(begin); took < c.limit || took > c.limit+time.Second {
					t.Errorf("the connection was closed after %v, want %v", took, c.limit)
				}
			})
		})
	}
}

// A watched connection closes a channel when it is closed first.
type watched struct {
	net.Conn
	closed chan struct{}
}

func (w watched) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return w.Conn.Close()
}
