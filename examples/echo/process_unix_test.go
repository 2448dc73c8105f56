//go:build unix

package main_test

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/examples/internal/proctest"
)

// A process is the program, started as a user would.
type process struct {
	*proctest.Process
	log  *logbook
	addr string
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := proctest.Start(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return &process{p, &logbook{p.Err}, p.Err.Await(t, "msg=listening addr=(.*)")[1]}
}

// expect waits for the end, and checks the exit code and the last line.
func (p *process) expect(t *testing.T, end, lastLine string) {
	t.Helper()
	p.Expect(t, end)
	if got := p.log.lastLine(); got != lastLine {
		t.Errorf("echo: last line\n\t%s\nwant\n\t%s\nin\n%s", got, lastLine, p.log)
	}
}

func (p *process) expectRefusal(t *testing.T) {
	t.Helper()
	if conn, err := net.Dial("tcp", p.addr); err == nil {
		conn.Close()
		t.Error("a connection during the shutdown was not refused")
	}
}

func TestOneSignal(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startProcess(t, "-grace", "1h")
			silent, begun, failing := dial(t, p.addr), dial(t, p.addr), dial(t, p.addr)
			say(t, silent, "line\n")
			hear(t, silent, "line\n")
			say(t, failing, "boom\n")
			hearEnd(t, failing, "")
			p.log.AwaitTimes(t, 1, "msg=failed")
			say(t, begun, "one\ntw")
			hear(t, begun, "one\n")

			p.Signal(t, sig)
			p.log.Await(t, "msg=draining grace=1h0m0s open=2 because=.*"+sig.String())
			p.expectRefusal(t)
			hearEnd(t, silent, "")
			say(t, begun, "o\n")
			hear(t, begun, "two\n")
			hearEnd(t, begun, "")
			p.expect(t, "exit status 0", "level=INFO msg=drained accepted=3 served=2 failed=1 gone=0 cut=0 lines=3")
		})
	}
}

const cutOff = `level=WARN msg="cut off" accepted=1 served=0 failed=0 gone=0 cut=1 lines=1`

func TestGraceIsOver(t *testing.T) {
	p := startProcess(t, "-grace", "50ms")
	c := dial(t, p.addr)
	say(t, c, "line\nhalf")
	hear(t, c, "line\n")
	p.Signal(t, syscall.SIGTERM)
	hearEnd(t, c, "")
	p.expect(t, "exit status 3", cutOff)
}

func TestTwoSignals(t *testing.T) {
	p := startProcess(t, "-grace", "1h")
	c := dial(t, p.addr)
	say(t, c, "line\nhalf")
	hear(t, c, "line\n")
	p.Signal(t, os.Interrupt)
	p.log.Await(t, "msg=draining")
	p.expectRefusal(t)
	p.Signal(t, os.Interrupt)
	hearEnd(t, c, "")
	p.expect(t, "exit status 3", cutOff)
}

// The program continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	proctest.LoseLog(t, 1000, func(addr string) {
		c := dial(t, addr)
		say(t, c, "line\nboom\n")
		c.CloseWrite()
		hearEnd(t, c, "line\n")
	}, "-addr", "127.0.0.1:0", "-grace", "1h")
}

func TestLostHelp(t *testing.T) { proctest.LoseOutput(t, "echo", "-h") }
