package serve_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A pipes is a listener in memory, which works in bubbles.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{} // closed by Close
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// HTTP works in a bubble, with its own clock: a request of ten seconds is answered, and an
// idle connection ends when the program closes.
func TestHTTPInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				serve.Drain(r.Context(), nil)
				if err := deadline.Sleep(r.Context(), 10*time.Second); err != nil {
					t.Errorf("in the drain: %v", err)
				}
			}
			io.WriteString(w, "hello")
		})
		start := time.Now()
		err := serve.Program{Grace: time.Minute, Linger: 3 * time.Second, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.HTTP(ctx, &http.Server{Handler: slow}, l) })
			client := &http.Client{Transport: &http.Transport{DialContext: l.dial}}
			idle, err := l.dial(ctx, "", "")
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error {
				_, err := io.ReadAll(idle)
				if took := time.Since(start); err != nil || took < 3*time.Second || took > 4*time.Second {
					t.Errorf("the idle connection ends with %v after %v, want nil soon after 3s", err, took)
				}
				return nil
			})
			if got, err := fetch(client, "http://memory/slow"); got != "hello" || err != nil {
				t.Errorf("GET /slow = %q, %v, want hello", got, err)
			}
			return nil
		})
		if took := time.Since(start); err != nil || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("Run = %v after %v, want nil after 10s", err, took)
		}
	})
}

// A context whose time is up ends an idle HTTP at once, although its error says that it is
// temporary, for which net/http would wait and accept again.
func TestHTTPWithDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var lines record
		start := time.Now()
		err := serve.HTTP(ctx, &http.Server{ErrorLog: log.New(&lines, "", 0)}, newPipes())
		if took := time.Since(start); err != nil || took != time.Minute {
			t.Errorf("HTTP = %v after %v, want nil after 1m", err, took)
		}
		lines.wantLines(t)
	})
}

// A connection that a handler takes over while net/http is being closed is closed as well.
func TestTakenOverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		conns := 0
		server := &http.Server{
			ConnContext: func(ctx context.Context, c net.Conn) context.Context {
				if conns++; conns == 2 {
					<-time.After(10 * time.Second) // Close waits for it
				}
				return ctx
			},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				<-time.After(5 * time.Second) // longer than handlers have
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Errorf("Hijack: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, c) // without a look at the context
			}),
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := start(t, func() error { return serve.HTTP(ctx, server, l) })
		for range 2 {
			c, err := l.dial(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go io.WriteString(c, get) // the second one is not read
		}
		if err := ended(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("HTTP = %v, want the cancellation", err)
		}
	})
}

// A slow is a listener whose connections take their time to write.
type slow struct{ net.Listener }

func (l slow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return slowConn{c}, err
}

type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	<-time.After(40 * time.Millisecond) // of the bubble
	return c.Conn.Write(p)
}

// What a handler has answered arrives, although net/http is still writing it when the
// handler has returned and all else has ended.
func TestLastAnswerIsSent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		http2 bool
		cut   bool
	}{
		{"http=1/drained", false, false},
		{"http=1/cut", false, true},
		{"http=2/drained", true, false},
		{"http=2/cut", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				var protocols http.Protocols
				protocols.SetHTTP1(!tt.http2)
				protocols.SetUnencryptedHTTP2(tt.http2)
				server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					serve.Drain(r.Context(), nil)
					<-serve.Closing(r.Context())
					if tt.cut {
						<-r.Context().Done()
					}
					io.WriteString(w, r.Proto)
				})}
				grace := time.Minute
				if tt.cut {
					grace = 0
				}
				ended := make(chan struct{})
				err := serve.Program{Grace: grace, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { return serve.HTTP(ctx, server, slow{l}) })
					transport := &http.Transport{Protocols: &protocols, DialContext: l.dial}
					go func() { // the program does not wait for its client
						defer close(ended)
						defer transport.CloseIdleConnections()
						want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[tt.http2]
						if got, err := fetch(&http.Client{Transport: transport}, "http://memory/"); got != want || err != nil {
							t.Errorf("GET = %q, %v, want %s", got, err, want)
						}
					}()
					return nil
				})
				<-ended
				if errors.As(err, new(*serve.CutError)) != tt.cut || !tt.cut && err != nil {
					t.Errorf("Run = %v, want a CutError: %t, else nil", err, tt.cut)
				}
			})
		})
	}
}

// Conns works in a bubble.
func TestConnsInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		start := time.Now()
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.Conns(ctx, l, 10, echo) })
			c, err := l.dial(ctx, "", "")
			if err != nil {
				return err
			}
			time.Sleep(time.Hour)
			go io.WriteString(c, "hello\n")
			p := make([]byte, 10)
			if n, err := c.Read(p); string(p[:n]) != "hello\n" || err != nil {
				t.Errorf("the reply is %q, %v, want hello", p[:n], err)
			}
			serve.Drain(ctx, nil)
			if _, err := c.Read(p); err != io.EOF {
				t.Errorf("in the drain: %v, want io.EOF", err)
			}
			return nil
		})
		if took := time.Since(start); err != nil || took < time.Hour || took > time.Hour+time.Second {
			t.Errorf("Run = %v after %v, want nil soon after 1h", err, took)
		}
	})
}
