//go:build unix

package main_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the program, once for all tests, and returns its path.
var binary = sync.OnceValues(func() (path string, err error) {
	binaryDir, err = os.MkdirTemp("", "echo")
	if err != nil {
		return "", err
	}
	path = filepath.Join(binaryDir, "echo")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// A process is the real program.
type process struct {
	cmd  *exec.Cmd
	log  *logbook
	addr string
}

// startProcess starts the program as a user would.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	p := &process{cmd: cmd, log: newLogbook()}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // has no effect if it has ended
		cmd.Wait()
	})
	p.addr = p.log.wait(t, "msg=listening addr=(.*)")[1]
	return p
}

func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Errorf("sending %v: %v", sig, err)
	}
}

// expect waits for the end, and checks the exit code and the last line.
func (p *process) expect(t *testing.T, code int, lastLine string) {
	t.Helper()
	p.cmd.Wait() // its error is the exit code
	if got := p.cmd.ProcessState.ExitCode(); got != code || p.log.lastLine() != lastLine {
		t.Errorf("echo: %v, last line\n\t%s\nwant exit code %d and\n\t%s\nin\n%s",
			p.cmd.ProcessState, p.log.lastLine(), code, lastLine, p.log)
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
			p.log.waitTimes(t, 1, "msg=failed")
			say(t, begun, "one\ntw")
			hear(t, begun, "one\n")

			p.signal(t, sig)
			p.log.wait(t, "msg=draining grace=1h0m0s open=2 because=.*"+sig.String())
			p.expectRefusal(t)
			hearEnd(t, silent, "")
			say(t, begun, "o\n")
			hear(t, begun, "two\n")
			hearEnd(t, begun, "")
			p.expect(t, 0, "level=INFO msg=drained accepted=3 served=2 failed=1 gone=0 cut=0 lines=3")
		})
	}
}

func TestGraceIsOver(t *testing.T) {
	p := startProcess(t, "-grace", "50ms")
	c := dial(t, p.addr)
	say(t, c, "line\nhalf")
	hear(t, c, "line\n")
	p.signal(t, syscall.SIGTERM)
	hearEnd(t, c, "")
	p.expect(t, 3, `level=WARN msg="cut off" accepted=1 served=0 failed=0 gone=0 cut=1 lines=1`)
}

func TestTwoSignals(t *testing.T) {
	p := startProcess(t, "-grace", "1h")
	c := dial(t, p.addr)
	say(t, c, "line\nhalf")
	hear(t, c, "line\n")
	p.signal(t, os.Interrupt)
	p.log.wait(t, "msg=draining")
	p.expectRefusal(t)
	p.signal(t, os.Interrupt)
	hearEnd(t, c, "")
	p.expect(t, 3, `level=WARN msg="cut off" accepted=1 served=0 failed=0 gone=0 cut=1 lines=1`)
}

// startUnread starts the program with a log of which only the first line has been
// read, which tells the address.
func startUnread(t *testing.T) (cmd *exec.Cmd, log *os.File, addr string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	log, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { log.Close() })
	cmd = exec.Command(path, "-addr", "127.0.0.1:0", "-grace", "1h")
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	first, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, addr, _ = strings.Cut(strings.TrimSpace(first), "addr=")
	return cmd, log, addr
}

// Two signals have their effect, and a third one ends the process, also if it is
// stuck because nobody reads its log.
func TestThirdSignal(t *testing.T) {
	cmd, _, addr := startUnread(t)
	for range 1000 { // whose failures are more than the pipe can hold
		c := dial(t, addr)
		say(t, c, "boom\n")
		hearEnd(t, c, "")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // its error is the signal
	}()
	start := time.Now()
	for sent := 1; ; sent++ {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGINT || sent < 3 {
				t.Errorf("echo: %v after %d signals, want the end by SIGINT at the third", cmd.ProcessState, sent)
			}
			return
		case <-time.After(100 * time.Millisecond): // two signals at the same moment may become one
		}
		if time.Since(start) > patience {
			t.Fatalf("echo: still there after %d signals", sent)
		}
	}
}

// The program survives whoever was reading its log.
func TestLogReaderGone(t *testing.T) {
	cmd, log, addr := startUnread(t)
	log.Close()
	for range 3 {
		c := dial(t, addr)
		say(t, c, "line\nboom")
		c.CloseWrite()
		hearEnd(t, c, "line\n")
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait() // its error is the exit code
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("echo without a reader of its log: %v, want exit code 0", cmd.ProcessState)
	}
}
