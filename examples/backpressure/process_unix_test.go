//go:build unix

package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/internal/proctest"
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

// A reader in time.Sleep survives two signals, and no third one.
func TestBlockedReader(t *testing.T) {
	p := proctest.Start(t, strings.Fields("-addr 127.0.0.1:0 -for 1h -pause 1h -patience 1h")...)
	p.Out.Await(t, `blocker +sent +\d+ +buffered +\d`) // it has acknowledged a message, and sleeps
	p.Signal(t, syscall.SIGINT)
	p.Err.Await(t, "msg=draining")
	p.Signal(t, syscall.SIGINT)
	p.Err.Await(t, "msg=canceling")
	p.Signal(t, syscall.SIGINT)
	p.Expect(t, "signal: interrupt")
}

// An output that cannot be written ends the program.
func TestLostOutput(t *testing.T) {
	proctest.LoseOutput(t, "backpressure", "exit status 1", "-addr", "127.0.0.1:0", "-for", "1h")
}

// The server continues when nothing reads its log, and when the reader has gone.
func TestLostLog(t *testing.T) {
	proctest.LoseLog(t, 500, func(addr string) {
		err := backpressure.RunReader(patient(t), backpressure.Habit{Name: "reader", Take: 1, Closes: true},
			"ws://"+addr+"/?name=reader", new(net.Dialer).DialContext)
		if err != nil {
			t.Errorf("reader: %v", err)
		}
	}, "-serve", "-addr", "127.0.0.1:0")
}

func TestCommandLine(t *testing.T) {
	for args, end := range map[string]string{
		"-h": "exit status 0", "-x": "exit status 2", "x": "exit status 2", "-for -1s": "exit status 2", "-patience 99ms": "exit status 2",
		"-addr nowhere": "exit status 1",
	} {
		p := proctest.Start(t, strings.Fields(args)...)
		p.Expect(t, end)
	}
}
