//go:build unix

package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// process returns this test binary as a program of its own.
func process(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := process(t, "timeouts", "shared", "-first", "0s", "-second", "1h", "-limit", "2h")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// The signal arrives in the middle of the second request.
			stdout := bufio.NewReader(pipe)
			for line := ""; err == nil && !strings.Contains(line, "second request: "); {
				line, err = stdout.ReadString('\n')
			}
			if err != nil {
				t.Errorf("reading up to the second request: %v", err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Error(err)
			}
			rest, err := io.ReadAll(stdout)
			if err != nil {
				t.Errorf("reading the rest: %v", err)
			}
			cmd.Wait() // its error is the exit code
			if want := fmt.Sprintf("timeouts: interrupted (%v signal received)\n", sig); cmd.ProcessState.ExitCode() != 130 || stderr.String() != want {
				t.Errorf("timeouts after %v: %v, standard error %q; want exit code 130 and %q", sig, cmd.ProcessState, stderr.String(), want)
			}
			if n := strings.Count(string(rest), "\n"); n != 1 || !strings.Contains(string(rest), "second request ends: ") {
				t.Errorf("timeouts after %v: standard output goes on with\n%swant one line about the second request", sig, rest)
			}
		})
	}
}

func TestSecondSignalKills(t *testing.T) {
	cmd := process(t, "stuck")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdout := bufio.NewReader(pipe)
	if got, err := stdout.ReadString('\n'); got != "ready\n" {
		t.Fatalf("read %q, %v, want a program that is ready", got, err)
	}
	// An answer shows that the program survived a signal. It does so once, or a
	// few times more while the first one is having its effect.
	answers := 0
	for answers < 1000 {
		cmd.Process.Signal(os.Interrupt)
		if _, err := io.WriteString(stdin, "alive?\n"); err != nil {
			break
		}
		if _, err := stdout.ReadString('\n'); err != nil {
			break
		}
		answers++
	}
	stdin.Close()
	cmd.Wait() // its error is the signal
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGINT || answers == 0 {
		t.Errorf("after %d answers: %v; want at least 1 answer, and then the end by SIGINT", answers, cmd.ProcessState)
	}
}
