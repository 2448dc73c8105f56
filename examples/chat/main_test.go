package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	chat "github.com/trellis-go/trellis/examples/chat"
	"github.com/trellis-go/trellis/examples/internal/pipenet"
	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/serve"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	proctest.Program(chat.Main)
	goleak.VerifyTestMain(m)
}

// A server is the program without its command line.
type server struct {
	addr string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	stop func()        // begins the drain, as the first signal does
	done chan struct{} // closed when it has ended
	err  error         // to be read after done
}

// start runs a server on l, to which dial connects.
func start(l net.Listener, dial func(context.Context, string, string) (net.Conn, error), limits chat.Limits) *server {
	s := &server{addr: l.Addr().String(), dial: dial, done: make(chan struct{})}
	started := make(chan context.Context, 1)
	go func() {
		defer close(s.done)
		s.err = chat.Serve(context.Background(), l, limits, func(ctx context.Context) { started <- ctx })
	}()
	ctx := <-started
	s.stop = func() { serve.Drain(ctx, nil) }
	return s
}

// startTCP runs a server on loopback until the end of the test.
func startTCP(t *testing.T, limits chat.Limits) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := start(l, new(net.Dialer).DialContext, limits)
	t.Cleanup(func() { s.end(t) })
	return s
}

// startPipes runs a server in memory, for bubbles, where what is not read
// by one side blocks the other at once.
func startPipes(limits chat.Limits) *server {
	l := pipenet.Listen("chat.test")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return dialPipe(ctx, l) }
	return start(l, dial, limits)
}

// end stops the server and checks that it ends without an error.
func (s *server) end(t *testing.T) {
	t.Helper()
	s.stop()
	<-s.done
	if s.err != nil {
		t.Errorf("the server ended with %v, want nil", s.err)
	}
}

// dialPipe connects to l by a pipe.
func dialPipe(ctx context.Context, l *pipenet.Listener) (net.Conn, error) {
	client, server := net.Pipe()
	closed := make(chan struct{})
	if err := l.Hand(ctx, &pipeServer{Conn: server, closed: closed}); err != nil {
		return nil, err
	}
	return pipeEnd{client, closed}, nil
}

// A pipeEnd is the client's end of a connection, and knows of the other one.
type pipeEnd struct {
	net.Conn
	peerClosed <-chan struct{}
}

type pipeServer struct {
	net.Conn
	once   sync.Once
	closed chan<- struct{}
}

func (c *pipeServer) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// A message as the document has it.
type message struct{ Type, User, Data string }

func joined(name string) message     { return message{"join", "", name} }
func parted(name string) message     { return message{"part", "", name} }
func said(name, text string) message { return message{"msg", name, text} }

// A client is a websocket of a user, with the connection below.
type client struct {
	t      *testing.T
	id     string
	name   string
	cookie *http.Cookie
	conn   *websocket.Conn
	tcp    net.Conn
}

// httpClient returns a client whose connections are put into *last, and not
// used twice.
func (s *server) httpClient(last *net.Conn) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := s.dial(ctx, network, addr)
			*last = c
			return c, err
		},
	}}
}

// login returns a client with a cookie.
func (s *server) login(t *testing.T, name string) *client {
	t.Helper()
	c := &client{t: t}
	body, _ := json.Marshal(map[string]string{"login": name, "password": "password"}) // as the document's client does
	response, err := s.httpClient(&c.tcp).Post("http://"+s.addr+"/api/v1/auth", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ ID, Name string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != 200 || len(response.Cookies()) != 1 {
		t.Fatalf("POST login %q: %s, %v, cookies %v", name, response.Status, err, response.Cookies())
	}
	io.Copy(io.Discard, response.Body)
	c.id, c.name, c.cookie = answer.ID, answer.Name, response.Cookies()[0]
	return c
}

// connect opens another websocket of the user of c.
func (s *server) connect(t *testing.T, c *client) *client {
	t.Helper()
	tab := &client{t: t, id: c.id, name: c.name, cookie: c.cookie}
	conn, response, err := websocket.Dial(t.Context(), "ws://"+s.addr+"/ws", &websocket.DialOptions{
		HTTPClient: s.httpClient(&tab.tcp),
		HTTPHeader: http.Header{"Cookie": {c.cookie.Name + "=" + c.cookie.Value}},
	})
	if err != nil {
		t.Fatalf("Dial: %v, %v", response, err)
	}
	tab.conn = conn
	return tab
}

// join logs in, connects, and sees itself join.
func (s *server) join(t *testing.T, name string) *client {
	t.Helper()
	c := s.connect(t, s.login(t, name))
	c.expect(joined(name))
	return c
}

// patience is how long a test waits for what must come.
const patience = proctest.Patience

func (c *client) next() (message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	if err != nil {
		return message{}, err
	}
	var m message
	return m, json.Unmarshal(data, &m)
}

// expect reads the messages that must come next.
func (c *client) expect(want ...message) {
	c.t.Helper()
	for _, want := range want {
		if got, err := c.next(); got != want || err != nil {
			c.t.Fatalf("%s read %v, %v, want %v", c.name, got, err, want)
		}
	}
}

// expectClose reads the end of the websocket, which must come next.
func (c *client) expectClose(code websocket.StatusCode, reason string) {
	c.t.Helper()
	m, err := c.next()
	var got websocket.CloseError
	if !errors.As(err, &got) || got.Code != code || !strings.Contains(got.Reason, reason) {
		c.t.Errorf("%s read %v, %v, want a close with %d and %q", c.name, m, err, code, reason)
	}
}

func (c *client) send(kind websocket.MessageType, data string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.conn.Write(ctx, kind, []byte(data)); err != nil {
		c.t.Fatalf("%s writes %.50q: %v", c.name, data, err)
	}
}

func (c *client) say(text string) {
	c.t.Helper()
	data, err := json.Marshal(map[string]string{"type": "msg", "data": text})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(websocket.MessageText, string(data))
}

// close leaves with a closing handshake.
func (c *client) close() {
	c.t.Helper()
	if err := c.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		c.t.Errorf("%s closes: %v", c.name, err)
	}
}

// vanish leaves without: the connection below is gone, as after kill -9.
func (c *client) vanish() {
	c.tcp.Close()
	c.conn.CloseNow()
}
