package serve_test

import (
	"context"
	"io"
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
