//go:build unix

package main_test

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/internal/proctest"
)

func startProcess(t *testing.T, args ...string) (p *proctest.Process, addr string) {
	t.Helper()
	p = proctest.Start(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, p.Err.Await(t, "listening addr=(.*)")[1]
}

func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p, addr := startProcess(t, "-grace", "1h")
			silent, begun := dial(t, addr), dial(t, addr)
			say(t, silent, "line\n")
			hear(t, silent, "line\n")
			say(t, begun, "one\n")
			hear(t, begun, "one\n")
			say(t, begun, "tw")
			p.Signal(t, sig)
			p.Err.Await(t, "draining.*"+sig.String())
			hearEnd(t, silent, "")
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				t.Error("a connection during the drain was not refused")
			}
			say(t, begun, "o\n")
			hear(t, begun, "two\n")
			hearEnd(t, begun, "")
			p.Expect(t, "exit status 0")
		})
	}
	for args, end := range map[string]string{"-grace=50ms": "exit status 3", "-grace=1h": "exit status 130"} {
		t.Run("cut off with "+args, func(t *testing.T) {
			p, addr := startProcess(t, args)
			c := dial(t, addr)
			say(t, c, "line\n")
			hear(t, c, "line\n")
			say(t, c, "half")
			p.Signal(t, os.Interrupt)
			p.Err.Await(t, "draining")
			if args == "-grace=1h" {
				p.Signal(t, os.Interrupt)
			}
			hearEnd(t, c, "error: the server ends\n")
			p.Expect(t, end)
		})
	}
}

// The program continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	proctest.LoseLog(t, 1000, func(addr string) {
		c := dial(t, addr)
		say(t, c, "line\nboom\n")
		c.CloseWrite()
		hearEnd(t, c, "line\nerror: the client said boom\n")
	}, "-addr", "127.0.0.1:0", "-grace", "1h")
}

func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"now":           "exit status 2",
		"-grace -1s":    "exit status 2",
		"-max-line 0":   "exit status 2",
		"-x":            "exit status 2",
		"-h":            "exit status 0",
		"-addr nowhere": "exit status 1",
	} {
		p := proctest.Start(t, strings.Fields(args)...)
		p.Expect(t, want)
	}
}
