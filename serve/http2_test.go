package serve_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// testTLS returns the certificate that package httptest has, and a client that trusts it.
func testTLS(t *testing.T, http2 bool) (*tls.Config, *http.Client) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.EnableHTTP2 = http2
	s.StartTLS()
	defer s.Close()
	client := s.Client()
	t.Cleanup(client.CloseIdleConnections)
	return s.TLS.Clone(), client
}

// serveTLS is serveSite with TLS.
func serveTLS(t *testing.T, p serve.Program, config *tls.Config, handler http.HandlerFunc) *site {
	t.Helper()
	l := listen(t)
	return &site{addr: l.Addr().String(), program: run(t, p, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, &http.Server{Handler: handler, TLSConfig: config}, l)
	})}
}

// Over TLS requests in progress are answered, and idle connections end, with HTTP/1 and
// with HTTP/2.
func TestDrainOverTLS(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		config, c := testTLS(t, http2)
		inside, release := make(chan struct{}, 1), make(chan struct{})
		s := serveTLS(t, serve.Program{Grace: patience}, config, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				inside <- struct{}{}
				<-release
			}
			io.WriteString(w, r.Proto)
		})
		_, idle := testTLS(t, http2) // with a connection of its own
		idle.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
		want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[http2]
		if got, err := fetch(idle, "https://"+s.addr); got != want || err != nil {
			t.Errorf("GET = %q, %v, want %s", got, err, want)
		}
		slow := start(t, func() error {
			got, err := fetch(c, "https://"+s.addr+"/slow")
			if got != want {
				t.Errorf("GET /slow = %q, want %s", got, want)
			}
			return err
		})
		<-inside
		serve.Drain(s.ctx, nil)
		after(t, 100*time.Millisecond)
		s.wantRunning(t)
		close(release)
		if err := slow(); err != nil {
			t.Errorf("GET /slow with %s: %v", want, err)
		}
		s.wantEnd(t, nil)
	}
}

func fetch(c *http.Client, url string) (string, error) {
	res, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

// While the program lingers, each connection of HTTP/2 gets a GOAWAY with its next
// response, so that the request after that has a new connection.
func TestHTTP2GoAway(t *testing.T) {
	t.Parallel()
	config, c := testTLS(t, true)
	s := serveTLS(t, serve.Program{Grace: patience, Linger: 3 * time.Second}, config, func(w http.ResponseWriter, r *http.Request) {})
	closed := make(chan struct{}, 9) // gets a value when the client closes a connection
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		inner, err := new(net.Dialer).DialContext(ctx, network, addr)
		return noticed{inner, closed}, err
	}
	reused := func() bool {
		t.Helper()
		var reused bool
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Errorf("the protocol is %s, want HTTP/2", res.Proto)
		}
		return reused
	}
	reused()
	if !reused() {
		t.Error("before the drain, a request has a new connection")
	}
	serve.Drain(s.ctx, nil)
	reused() // the response brings the GOAWAY
	await(t, "the client closes the connection that got the GOAWAY", closed)
	if reused() {
		t.Error("in the drain, a second request on the same connection")
	}
	s.wantEnd(t, nil)
}

// A noticed is a connection whose Close sends to closed.
type noticed struct {
	net.Conn
	closed chan<- struct{}
}

func (c noticed) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

// A client that has connected over TLS and sends no request does not hold the drain up
// until the end of the grace period.
func TestSilentTLSClient(t *testing.T) {
	t.Parallel()
	config, _ := testTLS(t, true)
	s := serveTLS(t, serve.Program{Grace: patience}, config, func(w http.ResponseWriter, r *http.Request) {})
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
	if took := time.Since(start); took > patience/2 {
		t.Errorf("the drain took %v", took)
	}
}

// Nor does one that speaks HTTP/2 without TLS and sends no request.
func TestSilentUnencryptedHTTP2Client(t *testing.T) {
	t.Parallel()
	l := listen(t)
	server := &http.Server{Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	s := &site{addr: l.Addr().String(), program: run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, server, l)
	})}
	c := s.dial(t)
	c.send(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(settings, "")+frame(ping, "12345678"))
	for kind := byte(settings); kind != ping; { // so that something has been read since the beginning
		var head [9]byte
		if _, err := io.ReadFull(c.r, head[:]); err != nil {
			t.Fatalf("waiting for the answer to a PING: %v", err)
		}
		kind = head[3]
		if _, err := c.r.Discard(int(head[1])<<8 | int(head[2])); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
	if took := time.Since(start); took > patience/2 {
		t.Errorf("the drain took %v", took)
	}
}

// Kinds of frames of HTTP/2.
const settings, ping = 4, 6

// frame returns a frame of HTTP/2 that belongs to no stream.
func frame(kind byte, payload string) string {
	return string([]byte{0, 0, byte(len(payload)), kind, 0, 0, 0, 0, 0}) + payload
}

// A server without a certificate says what it lacks, and gives its port back.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	l := listen(t)
	err := serve.HTTP(t.Context(), &http.Server{TLSConfig: new(tls.Config)}, l)
	if err == nil || !strings.Contains(err.Error(), "set Certificates") {
		t.Errorf("HTTP = %v, want an error that says what to do", err)
	}
	if err := l.(*net.TCPListener).SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) { // another test may have the port
		t.Errorf("then SetDeadline of the listener = %v, want that it is closed", err)
	}
}

// HTTP/2 without TLS drains likewise.
func TestDrainUnencryptedHTTP2(t *testing.T) {
	t.Parallel()
	l := listen(t)
	inside, release := make(chan struct{}), make(chan struct{})
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(inside)
			<-release
		}
		io.WriteString(w, r.Proto)
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	p := run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, server, l)
	})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	c := &http.Client{Transport: transport}
	defer c.CloseIdleConnections()
	if got, err := fetch(c, "http://"+l.Addr().String()); got != "HTTP/2.0" || err != nil {
		t.Errorf("GET = %q, %v, want HTTP/2.0", got, err)
	}
	slow := start(t, func() error {
		_, err := fetch(c, "http://"+l.Addr().String()+"/slow")
		return err
	})
	await(t, "the request", inside)
	serve.Drain(p.ctx, nil)
	after(t, 200*time.Millisecond)
	p.wantRunning(t)
	close(release)
	if err := slow(); err != nil {
		t.Errorf("GET /slow: %v", err)
	}
	p.wantEnd(t, nil)
}
