//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fastExit keeps the race detector from adding a second to every process.
const fastExit = "GORACE=atexit_sleep_ms=0"

// A process is the program as a process of its own.
type process struct {
	*exec.Cmd
	stdout, stderr *buffer
}

func spawn(t *testing.T, args string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exec.CommandContext(patient(t), exe, strings.Fields(args)...), newBuffer(), newBuffer()}
	p.Env = append(os.Environ(), roleVar+"=backpressure", fastExit)
	p.Stdout, p.Stderr = p.stdout, p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// exit waits for the end of p and checks the exit code.
func (p *process) exit(t *testing.T, code int) {
	t.Helper()
	p.Wait() // its error is the exit code
	if got := p.ProcessState.ExitCode(); got != code {
		t.Errorf("%v: %v, want exit code %d; standard output:\n%sstandard error:\n%s", p.Args[1:], p.ProcessState, code, p.stdout, p.stderr)
	}
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := spawn(t, "-addr 127.0.0.1:0 -for 1h -pause 100ms")
			p.stderr.after(t, "reader=fast")
			p.Process.Signal(sig)
			p.exit(t, 0)
			if want := "\nfast "; !strings.Contains("\n"+p.stdout.String(), want) {
				t.Errorf("after %v: standard output has no %q:\n%s", sig, want, p.stdout)
			}
		})
	}
}

// Readers that are killed or stopped from outside, which is what happens in real
// life. A reader in time.Sleep survives one signal, and no second one.
func TestReaderProcesses(t *testing.T) {
	t.Parallel()
	server := spawn(t, "-serve -addr 127.0.0.1:0 -patience 1s")
	addr := server.stderr.after(t, "msg=listening addr=")
	connect := func(name, flags string) *process {
		p := spawn(t, "-connect ws://"+addr+"/?name="+name+" "+flags)
		server.stderr.after(t, `msg="reader has connected" reader=`+name)
		return p
	}

	killed := connect("killed", "-pause 0")
	killed.Process.Kill()
	killed.exit(t, -1)
	server.stderr.after(t, `reader=killed end="broke off"`)

	stopped := connect("stopped", "-pause 0")
	stopped.Process.Signal(syscall.SIGSTOP)
	server.stderr.after(t, `reader=stopped end="cut off: silent for 1s"`)
	stopped.Process.Signal(syscall.SIGCONT)
	stopped.exit(t, 1)

	asleep := connect("asleep", "-pause 1h -block")
	server.stderr.after(t, `reader=asleep end="cut off: silent for 1s"`) // so it has begun to sleep
	asleep.Process.Signal(syscall.SIGINT)
	asleep.stderr.after(t, `msg=stopping cause=`)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		asleep.Wait()
	}()
	// It has only just got the first signal, and may take one more for that.
	for running := true; running; {
		asleep.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
			running = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	status := asleep.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("reader in time.Sleep, after two signals: %v, want the end by SIGINT", asleep.ProcessState)
	}

	server.Process.Signal(syscall.SIGTERM)
	server.exit(t, 0)
}

// As in: backpressure | head.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stderr := newBuffer()
	cmd := exec.CommandContext(patient(t), exe, "-addr", "127.0.0.1:0", "-for", "1h")
	cmd.Env = append(os.Environ(), roleVar+"=backpressure", fastExit)
	cmd.Stdout, cmd.Stderr = w, stderr
	cmd.Run() // its error is how it ended
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGPIPE || strings.Contains(stderr.String(), "backpressure: ") {
		t.Errorf("backpressure to a closed pipe: %v, want the end by SIGPIPE and no complaint; standard error:\n%s", cmd.ProcessState, stderr)
	}
}
