//go:build unix

package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/internal/proctest"
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
			p.Err.Await(t, "msg=left user=b.*connection lost")

			before := len(p.Err.String())
			p.Signal(t, sig)
			a.expectClose(websocket.StatusGoingAway, "the server is shutting down")
			p.Expect(t, "exit status 0")
			log := p.Err.String()[before:]
			for _, want := range []string{`level=INFO msg=left user=a`, `why="the server is shutting down"`, `msg=draining`} {
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

// A second signal cuts nothing off that is saying goodbye, and a third one ends the process.
func TestThreeSignals(t *testing.T) {
	p := startProcess(t)
	c := p.join(t, "stubborn")
	defer c.conn.CloseNow()
	p.Signal(t, syscall.SIGTERM)
	p.Err.Await(t, "msg=left user=stubborn") // and now the server waits for its goodbye
	p.Signal(t, syscall.SIGTERM)
	p.Err.Await(t, "msg=canceling")
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

func TestCommandLine(t *testing.T) {
	for args, end := range map[string]string{
		"x": "exit status 2", "-mailbox 0": "exit status 2", "-x": "exit status 2", "-h": "exit status 0",
		"-addr nonsense": "exit status 1",
	} {
		p := proctest.Start(t, strings.Fields(args)...)
		p.Expect(t, end)
		if args == "-h" && !strings.HasPrefix(p.Err.String(), "Usage: chat [flags]") {
			t.Errorf("chat -h says %q, want the usage", p.Err)
		}
	}
}
