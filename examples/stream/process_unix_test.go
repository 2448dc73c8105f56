//go:build unix

package main_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// process starts this test binary as the program, and returns a way to its
// address, and the log that is yet to come.
func process(t *testing.T, args ...string) (*exec.Cmd, *host, *bufio.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), roleVar+"=stream", "GORACE=atexit_sleep_ms=0") // it would sleep for a second
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(pipe)
	line, err := log.ReadString('\n')
	_, addr, ok := strings.Cut(line, " addr=")
	addr, _, _ = strings.Cut(addr, " ")
	if err != nil || !ok {
		t.Fatalf("the first line of the log is %q, %v; want the address", line, err)
	}
	h := &host{t: t, addr: addr, dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}}
	return cmd, h, log
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd, h, log := process(t, "-addr", "127.0.0.1:0")
			busy, idle := h.tab("busy"), h.tab("idle")
			busy.press(`[{"kind":"sleep","ms":60000},{"kind":"hash","rounds":100000000}]`)
			busy.expect(started(1, 2))
			idle.arrived()
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			busy.closed(websocket.StatusGoingAway, "shutting down")
			idle.closed(websocket.StatusGoingAway, "shutting down")
			rest, err := io.ReadAll(log)
			if err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("after %v: %v, want exit code 0", sig, err)
			}
			lines := strings.Split(strings.TrimSpace(string(rest)), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, "msg=stopped reason=\""+sig.String()) {
				t.Errorf("the last line of the log is %q, want that it has stopped, and why", last)
			}
			if n := strings.Count(string(rest), "tab closed"); n != 2 || strings.Contains(string(rest), "ERROR") {
				t.Errorf("the log says\n%swant two tabs closed, and no error", rest)
			}
		})
	}
}

// While the program waits for a client that does not answer its goodbye, a
// second signal ends it at once.
func TestSecondSignalKills(t *testing.T) {
	cmd, h, log := process(t, "-addr", "127.0.0.1:0", "-write-timeout", "1h")
	c := h.deaf("a")
	c.press("[]")
	for range 2 { // started, finished
		if _, _, err := c.ws.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The goodbye comes, and is not answered.
	frame := make([]byte, 2)
	if _, err := io.ReadFull(c.conn, frame); err != nil || frame[0] != 0x88 {
		t.Fatalf("after the signal: %x, %v; want a frame that closes", frame, err)
	}
	var rest []byte
	ended := make(chan struct{}) // with its log
	go func() {
		defer close(ended)
		rest, _ = io.ReadAll(log)
	}()
	// The signal's default effect is back soon after the first one, but there
	// is nothing to be seen of that: a signal that comes too early has none.
	for running := true; running; {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	cmd.Wait() // its error is the signal
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("after a second signal: %v, want the end by it; the log says\n%s", cmd.ProcessState, rest)
	}
}
