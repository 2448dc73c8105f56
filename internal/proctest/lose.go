package proctest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// LoseOutput runs the program, whose name is given, with standard outputs that cannot be
// written, and checks that it ends with a failure and the reason for it, or in silence if
// the reader has gone: then gone is how it ends.
func LoseOutput(t *testing.T, name, gone string, args ...string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct{ redirection, end, reason string }{
		{">&-", "exit status 1", "write /dev/stdout: bad file descriptor"},
		{">/dev/full", "exit status 1", "write /dev/stdout: no space left on device"},
		{"", gone, ""}, // to a pipe whose reader has gone
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		p := Command(t, args...)
		p.Stdout = w
		p.Args = append([]string{"sh", "-c", `exec "$0" "$@" ` + tt.redirection, p.Path}, args...)
		p.Path = shell
		p.Begin(t)
		p.Expect(t, tt.end)
		w.Close()
		if !strings.Contains(p.Err.String(), tt.reason) {
			t.Errorf("%s %q %s: it says %q, want %q", name, args, tt.redirection, p.Err, tt.reason)
		}
	}
}

// LoseLog runs the program, a server that logs its address, with logs that are not read:
// a pipe that fills up, and one whose reader goes away. It calls use with the address of
// each, n times for the pipe to be full then, and checks that one signal ends the server
// in good order.
func LoseLog(t *testing.T, n int, use func(addr string), args ...string) {
	t.Helper()
	for _, gone := range []bool{false, true} {
		log, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		p := Command(t, args...)
		p.Stderr = w
		p.Begin(t)
		w.Close()
		first, err := bufio.NewReader(io.LimitReader(log, 1<<10)).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, addr, _ := strings.Cut(first, "addr=")
		addr, _, _ = strings.Cut(strings.TrimSpace(addr), " ")
		if gone {
			log.Close()
		}
		for range n {
			use(addr)
		}
		p.Signal(t, syscall.SIGTERM)
		p.Expect(t, "exit status 0")
	}
}
