package main_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	echo "github.com/trellis-go/trellis/examples/echo"
	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/serve"
)

func TestMain(m *testing.M) {
	proctest.Program(echo.Main)
	goleak.VerifyTestMain(m)
}

// A running server runs in this process.
type running struct {
	t    *testing.T
	addr string
	log  *proctest.Text
	ctx  context.Context
	end  chan error
}

// start starts a server on a free port.
func start(t *testing.T, grace time.Duration, maxLine, clients int) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, l, grace, maxLine, clients)
}

func startOn(t *testing.T, l net.Listener, grace time.Duration, maxLine, clients int) *running {
	t.Helper()
	r := &running{t: t, addr: l.Addr().String(), log: new(proctest.Text), end: make(chan error, 1)}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(r.log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	started := make(chan context.Context)
	go func() {
		r.end <- echo.Serve(l, grace, maxLine, clients, func(ctx context.Context) { started <- ctx })
	}()
	r.ctx = <-started
	return r
}

// drain begins the drain, as the first signal does.
func (r *running) drain() { serve.Drain(r.ctx, nil) }

// expect drains the server, and checks its exit code.
func (r *running) expect(code int) {
	r.t.Helper()
	r.drain()
	select {
	case err := <-r.end:
		if got := serve.ExitCode(err); got != code {
			r.t.Errorf("echo = %v, exit code %d, want %d; its log:\n%s", err, got, code, r.log)
		}
	case <-time.After(proctest.Patience):
		r.t.Fatalf("echo has not ended; its log:\n%s", r.log)
	}
}

// dial connects to a server.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(proctest.Patience))
	return conn.(*net.TCPConn)
}

// say sends a text, and fails the test if it is not taken.
func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Errorf("sending %.30q: %v", text, err)
	}
}

// hear expects a text, and nothing about what comes after it.
func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("the server sent %.60q, %v; want %.60q", got[:n], err, want)
	}
}

// hearEnd expects a text and the end of the connection, and closes the client's side.
func hearEnd(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("the server sent %.60q, %v; want %.60q and the end", got, err, want)
	}
	c.Close()
}
