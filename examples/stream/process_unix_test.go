//go:build unix

package main_test

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/internal/proctest"
)

// process starts the program, and returns a way to its address.
func process(t *testing.T, args ...string) (*proctest.Process, *host) {
	t.Helper()
	p := proctest.Start(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, hostAt(t, p.Err.Await(t, `addr=(\S+)`)[1])
}

// hostAt returns a way to the program at an address.
func hostAt(t *testing.T, addr string) *host {
	return &host{t: t, addr: addr, dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}}
}

// The program continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	proctest.LoseLog(t, 500, func(addr string) {
		tab := hostAt(t, addr).tab("a")
		tab.arrived()
		tab.ws.Close(websocket.StatusNormalClosure, "")
	}, "-addr", "127.0.0.1:0")
}

func TestCommandLine(t *testing.T) {
	for args, end := range map[string]string{
		"-h": "exit status 0", "-nonsense": "exit status 2", "x": "exit status 2", "-limit 0": "exit status 2",
		"-write-timeout 0s": "exit status 2", "-addr nonsense": "exit status 1",
	} {
		p := proctest.Start(t, strings.Fields(args)...)
		p.Expect(t, end)
		if args == "-h" && !strings.HasPrefix(p.Err.String(), "Usage: stream [flags]") {
			t.Errorf("stream -h says %q, want the usage", p.Err)
		}
	}
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p, h := process(t)
			busy, idle := h.tab("busy"), h.tab("idle")
			busy.press(`[{"kind":"sleep","ms":60000},{"kind":"hash","rounds":100000000}]`)
			busy.expect(started(1, 2))
			idle.arrived()
			p.Signal(t, sig)
			busy.closed(websocket.StatusGoingAway, "shutting down")
			idle.closed(websocket.StatusGoingAway, "shutting down")
			p.Expect(t, "exit status 0")
			log := p.Err.String()
			if n := strings.Count(log, "tab closed"); n != 2 || strings.Contains(log, "ERROR") || !strings.Contains(log, sig.String()) {
				t.Errorf("the log says\n%swant the signal, two tabs closed, and no error", log)
			}
		})
	}
}

// While the program waits for a client that does not answer its goodbye, a third signal
// ends it at once.
func TestThirdSignalKills(t *testing.T) {
	p, h := process(t, "-write-timeout", "1h")
	c := h.deaf("a")
	c.press("[]")
	for range 2 { // started, finished
		if _, _, err := c.ws.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.Signal(t, syscall.SIGTERM)
	// The goodbye comes, and is not answered.
	frame := make([]byte, 2)
	if _, err := io.ReadFull(c.conn, frame); err != nil || frame[0] != 0x88 {
		t.Fatalf("after the signal: %x, %v; want a frame that closes", frame, err)
	}
	p.Signal(t, syscall.SIGTERM)
	p.Err.Await(t, "msg=canceling")
	p.Signal(t, syscall.SIGTERM)
	p.Expect(t, "signal: terminated")
}
