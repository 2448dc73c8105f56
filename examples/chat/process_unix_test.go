//go:build unix

package main_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	chat "github.com/trellis-go/trellis/examples/chat"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

// A process is the program, started as a user would.
type process struct {
	*server
	*proctest.Process
}

func startProcess(t *testing.T) process {
	t.Helper()
	p := proctest.Start(t, "-addr", "127.0.0.1:0")
	addr := p.Err.Await(t, `msg=listening addr=(\S+)`)[1]
	return process{&server{addr: addr, dial: new(net.Dialer).DialContext}, p}
}

func TestSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startProcess(t)
			a, b := p.join(t, "a"), p.join(t, "b")
			defer b.conn.CloseNow()
			a.expect(joined("b"))
			b.vanish()
			a.expect(parted("b"))
			p.Err.Await(t, "level=WARN msg=left user=b.*connection lost")

			before := len(p.Err.String())
			p.Signal(t, sig)
			a.expectClose(websocket.StatusGoingAway, "the server is shutting down")
			p.Expect(t, "exit status 0")
			log := p.Err.String()[before:]
			for _, want := range []string{`level=INFO msg=left user=a`, `why="the server is shutting down"`, `msg=ended`} {
				if !strings.Contains(log, want) {
					t.Errorf("after %v no %s in the log:\n%s", sig, want, log)
				}
			}
			for _, noise := range []string{"context canceled", "level=ERROR", "level=WARN"} {
				if strings.Contains(log, noise) {
					t.Errorf("after %v the log has %q:\n%s", sig, noise, log)
				}
			}
		})
	}
}

// A second signal does not wait for a client that does not answer the first.
func TestSecondSignal(t *testing.T) {
	p := startProcess(t)
	c := p.join(t, "stubborn")
	defer c.conn.CloseNow()
	p.Signal(t, syscall.SIGTERM)
	p.Err.Await(t, "msg=left user=stubborn") // and now the server waits for its goodbye
	p.Signal(t, syscall.SIGTERM)
	p.Expect(t, "signal: terminated")
}

// The program continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	proctest.LoseLog(t, 500, func(addr string) {
		s := &server{addr: addr, dial: new(net.Dialer).DialContext}
		s.join(t, "ada").close()
	}, "-addr", "127.0.0.1:0")
}

func TestLostHelp(t *testing.T) { proctest.LoseOutput(t, "chat", "-h") }

func TestCommandLine(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	defer slog.SetDefault(slog.Default()) // which the program sets
	for _, c := range []struct {
		args []string
		code int
		want string // in standard error
	}{
		{[]string{"x"}, 2, `chat: unexpected argument "x"`},
		{[]string{"-addr", ""}, 2, "chat: -addr: must not be empty"},
		{[]string{"-mailbox", "0"}, 2, "chat: -mailbox 0: must be 1 to 1048576"},
		{[]string{"-mailbox", "9000000000000000000"}, 2, "must be 1 to 1048576"},
		{[]string{"-patience", "0s"}, 2, "chat: -patience 0s: must be positive"},
		{[]string{"-ping", "-1s"}, 2, "chat: -ping -1s: must be positive"},
		{[]string{"-pace", "-1ms"}, 2, "chat: -pace -1ms: must not be negative"},
		{[]string{"-pace", "fast"}, 2, `chat: invalid value "fast" for flag -pace`},
		{[]string{"-x"}, 2, "chat: flag provided but not defined: -x"},
		{[]string{"-addr", busy.Addr().String()}, 1, "address already in use"},
		{[]string{"-addr", "nonsense"}, 1, "nonsense"},
		{[]string{"-key", "/nonexistent/key"}, 1, "no such file"},
	} {
		var stdout, stderr bytes.Buffer
		code := chat.Run(t.Context(), c.args, &stdout, &stderr)
		if code != c.code || stdout.Len() > 0 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("chat %q: exit code %d, standard error %q, want %d and %q", c.args, code, stderr.String(), c.code, c.want)
		}
	}

	var stdout, stderr bytes.Buffer
	if code := chat.Run(t.Context(), []string{"-h"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("chat -h: exit code %d, standard error %q", code, stderr.String())
	}
	for _, want := range []string{"Usage: chat [flags]\n", "\n  -addr address\n", "\n  -patience duration\n", "Exit codes:"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("chat -h: no %q in\n%s", want, stdout.String())
		}
	}
	for line := range strings.Lines(stdout.String()) {
		if len(line) > 81 {
			t.Errorf("chat -h: %q is wider than a terminal", line)
		}
	}
}
