//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	chat "github.com/trellis-go/trellis/examples/chat"
)

// A process is the program, started as a user would.
type process struct {
	*server
	cmd    *exec.Cmd
	log    chan string // the lines of standard error; closed at its end
	exited chan error  // gets what Wait returns
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), roleVar+"=chat")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, log: make(chan string, 100), exited: make(chan error, 1)}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.log <- lines.Text()
		}
		close(p.log)
		p.exited <- cmd.Wait()
	}()
	addr := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(p.await(t, "msg=listening"))
	p.server = &server{addr: addr[1], dial: new(net.Dialer).DialContext}
	return p
}

// await returns the next line of the log with a text.
func (p *process) await(t *testing.T, text string) string {
	t.Helper()
	for line := range p.log {
		if strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("the log has ended without %q", text)
	return ""
}

// end returns the rest of the log and how the process ended.
func (p *process) end() (string, error) {
	var rest strings.Builder
	for line := range p.log {
		fmt.Fprintln(&rest, line)
	}
	return rest.String(), <-p.exited
}

func TestSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startProcess(t, "-addr", "127.0.0.1:0")
			a, b := p.join(t, "a"), p.join(t, "b")
			defer b.conn.CloseNow()
			a.expect(joined("b"))
			b.vanish()
			a.expect(parted("b"))
			if line := p.await(t, "msg=left user=b"); !strings.Contains(line, "level=WARN") || !strings.Contains(line, "connection lost") {
				t.Errorf("when b vanishes the log says %s", line)
			}

			p.cmd.Process.Signal(sig)
			a.expectClose(websocket.StatusGoingAway, "the server is shutting down")
			log, err := p.end()
			if err != nil {
				t.Errorf("after %v: %v, want exit code 0", sig, err)
			}
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
	p := startProcess(t, "-addr", "127.0.0.1:0")
	c := p.join(t, "stubborn")
	defer c.conn.CloseNow()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.await(t, "msg=left user=stubborn") // and now the server waits for its goodbye
	// The first signal gives the next one its usual effect back in a goroutine
	// that may not have run yet. Repeating costs nothing.
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case err := <-p.exited:
			if exit, ok := err.(*exec.ExitError); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("after a second signal: %v, want death by SIGTERM", err)
			}
			return
		case <-again.C:
			p.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}

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
