package main_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

const (
	messageSize = 32 << 10
	socketSize  = 32 << 10
)

// A world is a server on the loopback, with its log.
type world struct {
	t      *testing.T
	ctx    context.Context
	log    *journal
	server *backpressure.Server
	addr   string
}

// withServer starts a server, calls use, and stops it.
func withServer(t *testing.T, patience time.Duration, use func(w *world)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal()
	w := &world{t: t, log: j, server: backpressure.NewServer(patience, slog.New(j)), addr: l.Addr().String()}
	err = nursery.Run(patient(t), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("server", func(ctx context.Context) error {
			return serve.HTTP(ctx, &http.Server{Handler: w.server, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}, backpressure.SmallBuffers(l))
		})
		defer n.Scope().Cancel(nil)
		w.ctx = ctx
		use(w)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if rows := w.server.Rows(); len(rows) != 0 {
		t.Errorf("after the end: rows %v, want none", rows)
	}
}

// A client is a reader in the hands of a test.
type client struct {
	*websocket.Conn
	w   *world
	tcp *net.TCPConn
	n   int // messages taken
}

func (w *world) connect(name string) *client {
	w.t.Helper()
	c := &client{w: w}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			c.tcp = conn.(*net.TCPConn)
			err = c.tcp.SetReadBuffer(socketSize)
		}
		return conn, err
	}}
	var err error
	c.Conn, _, err = websocket.Dial(w.ctx, "ws://"+w.addr+"/?name="+name, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		w.t.Fatal(err)
	}
	c.SetReadLimit(2 * messageSize)
	w.t.Cleanup(func() { c.CloseNow() })
	return c
}

// take takes n messages, which must be the next ones, and acknowledges them.
func (c *client) take(n int) error {
	for range n {
		_, message, err := c.Read(c.w.ctx)
		if err != nil {
			return err
		}
		c.n++
		want := fmt.Sprint(c.n)
		if got, _, _ := strings.Cut(string(message), " "); got != want || len(message) != messageSize {
			return fmt.Errorf("got message %q with %d bytes, want %q with %d", got, len(message), want, messageSize)
		}
		if err := c.Write(c.w.ctx, websocket.MessageText, []byte(want)); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) mustTake(n int) {
	c.w.t.Helper()
	if err := c.take(n); err != nil {
		c.w.t.Fatalf("taking %d messages: %v", n, err)
	}
}

// row returns what the server knows of a reader.
func (w *world) row(name string) backpressure.Row {
	w.t.Helper()
	rows := w.server.Rows()
	for _, r := range rows {
		if r.Name() == name {
			return r
		}
	}
	w.t.Fatalf("no row for reader %q in %v", name, rows)
	return backpressure.Row{}
}

// Others take hundreds of messages while one takes none, whom the server has
// sent no more than what the sockets hold. Nothing is lost to that one either.
func TestBlockedReaderDelaysOnlyItself(t *testing.T) {
	withServer(t, time.Hour, func(w *world) {
		blocked := w.connect("blocked")
		blocked.mustTake(1)
		var others sync.WaitGroup
		for i := range 3 {
			c := w.connect(fmt.Sprint("other", i))
			others.Go(func() {
				if err := c.take(300); err != nil {
					t.Errorf("taking messages beside a blocked reader: %v", err)
				}
			})
		}
		others.Wait()
		if r := w.row("blocked"); r.Sent() > 100 || r.Buffered() >= r.Sent() {
			t.Errorf("blocked reader: sent %d, buffered %d; want at most 100, and fewer", r.Sent(), r.Buffered())
		}
		blocked.mustTake(200)
	})
}

func TestEndsAreNoticed(t *testing.T) {
	for _, test := range []struct {
		name, want string
		do         func(c *client) error
	}{
		{"closing handshake", "closed with 1000", func(c *client) error { return c.Close(websocket.StatusNormalClosure, "") }},
		{"reason", "closed with 4000 enough\x1b[2J", func(c *client) error { return c.Close(4000, "enough\x1b[2J") }},
		{"end of TCP", "broke off", func(c *client) error { return c.tcp.Close() }},
		{"half of it", "broke off", func(c *client) error { return c.tcp.CloseWrite() }},
		{"reset", "broke off", func(c *client) error { c.tcp.SetLinger(0); return c.tcp.Close() }},
		{"no websocket any more", "cut off: ", func(c *client) error { _, err := c.tcp.Write([]byte("GET / HTTP/1.1\r\n\r\n")); return c.drain(err) }},
		{"text", `cut off: acknowledgment "x" is no number`, func(c *client) error { return c.say("x") }},
		{"future", "cut off: message 123456789 acknowledged", func(c *client) error { return c.say("123456789") }},
		{"past", "cut off: message 2 acknowledged", func(c *client) error { return c.say("2") }},
		{"negative", "cut off: message -1 acknowledged", func(c *client) error { return c.say("-1") }},
		{"huge number", "cut off: acknowledgment", func(c *client) error { return c.say("99999999999999999999") }},
		{"long message", "cut off: failed to read: websocket: message too big", func(c *client) error { return c.drain(c.say(strings.Repeat("1", 1000))) }},
		{"binary", "cut off: acknowledgment", func(c *client) error {
			return c.Write(c.w.ctx, websocket.MessageBinary, []byte{0, 0xff, 0x1b})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			withServer(t, time.Hour, func(w *world) {
				other := w.connect("other")
				c := w.connect("reader")
				c.mustTake(2)
				if err := test.do(c); err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
				w.log.ended(t, "reader", test.want)
				other.mustTake(50) // the others do not notice
			})
		})
	}
}

// drain makes room for a close frame, for which package websocket would wait for
// five seconds.
func (c *client) drain(err error) error {
	if err == nil {
		io.Copy(io.Discard, c.tcp) // however that ends
	}
	return err
}

func (c *client) say(text string) error {
	return c.Write(c.w.ctx, websocket.MessageText, []byte(text))
}

// The connection stands, but its reader does not answer any more.
func TestSilenceIsNoticed(t *testing.T) {
	const patience = 300 * time.Millisecond
	t.Run("stops reading", func(t *testing.T) {
		withServer(t, patience, func(w *world) {
			c := w.connect("stopper")
			if _, _, err := c.Read(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.log.ended(t, "stopper", "cut off: silent for 300ms")
		})
	})
	t.Run("answers no ping", func(t *testing.T) {
		withServer(t, patience, func(w *world) {
			c := w.connect("mute")
			// Below the websocket, all that comes is taken: no Write is ever
			// blocked for long, and no ping answered.
			n, err := io.Copy(io.Discard, c.tcp)
			if err != nil || n == 0 {
				t.Errorf("reading to the end: %d bytes, %v", n, err)
			}
			w.log.ended(t, "mute", "cut off: silent for 300ms")
		})
	})
}

// A name must do nothing to a terminal.
func TestBadName(t *testing.T) {
	withServer(t, time.Hour, func(w *world) {
		defer http.DefaultClient.CloseIdleConnections()
		for name, want := range map[string]int{"a b": http.StatusUpgradeRequired, "%1b[2J": http.StatusBadRequest, "x%0a": http.StatusBadRequest} {
			resp, err := http.Get("http://" + w.addr + "/?name=" + strings.ReplaceAll(name, " ", "%20"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("GET /?name=%s: %s, want %d", name, resp.Status, want)
			}
		}
	})
}

// Many come and go, in all ways. The board forgets them, and no others.
func TestManyReaders(t *testing.T) {
	const readers = 60
	withServer(t, time.Hour, func(w *world) {
		stays := w.connect("stays")
		var all sync.WaitGroup
		for i := range readers {
			c := w.connect("")
			all.Go(func() {
				if err := c.take(10); err != nil {
					t.Errorf("taking messages among many: %v", err)
				}
				switch i % 3 {
				case 0:
					c.Close(websocket.StatusNormalClosure, "")
				case 1:
					c.CloseNow()
				case 2:
					c.tcp.SetLinger(0)
					c.tcp.Close()
				}
			})
		}
		all.Wait()
		ends := make(map[string]int)
		for range readers {
			ends[w.log.next(t, "reader has ended").attrs["end"]]++
		}
		if ends["closed with 1000"] != readers/3 || ends["broke off"] != readers*2/3 {
			t.Errorf("readers ended as %v, want %d closed and %d broken off", ends, readers/3, readers*2/3)
		}
		stays.mustTake(10)
	})
}
