//go:build unix

package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := proctest.Start(t, strings.Fields("-addr 127.0.0.1:0 -for 1h -pause 100ms")...)
			p.Err.Await(t, "reader=fast")
			p.Signal(t, sig)
			p.Expect(t, "exit status 0")
			if want := "\nfast "; !strings.Contains("\n"+p.Out.String(), want) {
				t.Errorf("after %v: standard output has no %q:\n%s", sig, want, p.Out)
			}
		})
	}
}

// Readers that are killed or stopped from outside, which is what happens in real
// life. A reader in time.Sleep survives one signal, and no second one.
func TestReaderProcesses(t *testing.T) {
	t.Parallel()
	serve := func(patience string) *proctest.Process {
		return proctest.Start(t, "-serve", "-addr", "127.0.0.1:0", "-patience", patience)
	}
	connect := func(server *proctest.Process, name, flags string) *proctest.Process {
		addr := server.Err.Await(t, `addr=(\S+)`)[1]
		p := proctest.Start(t, strings.Fields("-connect ws://"+addr+"/?name="+name+" "+flags)...)
		server.Err.Await(t, `msg="reader has connected" reader=`+name)
		return p
	}
	patient, hasty := serve("1h"), serve("1s")

	killed := connect(patient, "killed", "-pause 0")
	killed.Process.Kill()
	killed.Expect(t, "signal: killed")
	patient.Err.Await(t, `reader=killed end="broke off"`)

	stopped := connect(hasty, "stopped", "-pause 0")
	stopped.Signal(t, syscall.SIGSTOP)
	hasty.Err.Await(t, `reader=stopped end="cut off: silent for 1s"`)
	stopped.Signal(t, syscall.SIGCONT)
	stopped.Expect(t, "exit status 1")

	asleep := connect(patient, "asleep", "-pause 1h -block")
	patient.Out.Await(t, `asleep +sent +\d+ +buffered +\d`) // it has acknowledged a message, and sleeps
	asleep.Signal(t, syscall.SIGINT)
	asleep.Err.Await(t, `msg=stopping cause=`)
	asleep.Signal(t, syscall.SIGINT)
	asleep.Expect(t, "signal: interrupt")

	for _, server := range []*proctest.Process{patient, hasty} {
		server.Signal(t, syscall.SIGTERM)
		server.Expect(t, "exit status 0")
	}
}

// An output that fails ends the program. That is a failure unless its reader has gone,
// as in: backpressure | head.
func TestLostOutput(t *testing.T) {
	t.Parallel()
	proctest.LoseOutput(t, "backpressure", "-addr", "127.0.0.1:0", "-for", "1h")
	proctest.LoseOutput(t, "backpressure", "-h")
	// The summary is output as well, and all that a reader writes.
	server := proctest.Start(t, "-serve", "-addr", "127.0.0.1:0")
	url := "ws://" + server.Err.Await(t, `addr=(\S+)`)[1]
	proctest.LoseOutput(t, "backpressure", "-connect", url, "-for", "100ms")
	server.Signal(t, syscall.SIGTERM)
	server.Expect(t, "exit status 0")
}

// The server continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	t.Parallel()
	proctest.LoseLog(t, 500, func(addr string) {
		err := backpressure.RunReader(patient(t), backpressure.Habit{Name: "reader", Take: 1, Closes: true},
			"ws://"+addr+"/?name=reader", new(net.Dialer).DialContext)
		if err != nil {
			t.Errorf("reader: %v", err)
		}
	}, "-serve", "-addr", "127.0.0.1:0")
}
