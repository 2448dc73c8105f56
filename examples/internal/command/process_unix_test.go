//go:build unix

package command_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Program(func() { command.Main(program) })
	goleak.VerifyTestMain(m)
}

// program writes to its standard output, says what came of that, and then waits for a
// signal. It survives that, and does what its standard input says: it ends when that
// does.
func program(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	_, err := fmt.Fprintln(stdout, "hello")
	fmt.Fprintln(stderr, "written:", err)
	if len(args) > 0 {
		return 7
	}
	<-ctx.Done()
	fmt.Fprintln(stderr, "stopping:", context.Cause(ctx))
	io.Copy(io.Discard, os.Stdin)
	return 7
}

// A program that notices the first signal may take its time.
func TestFirstSignal(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := proctest.Command(t)
		stdin, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		p.Begin(t)
		p.Err.Await(t, "written")
		p.Signal(t, sig)
		p.Err.Await(t, "stopping: "+sig.String()+" signal received")
		stdin.Close()
		p.Expect(t, "exit status 7")
	}
}

// Once a program notices the first signal, the second has its usual effect: no other
// signal is needed, and no time has to pass.
func TestSecondSignal(t *testing.T) {
	p := proctest.Command(t)
	if _, err := p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.Begin(t)
	p.Err.Await(t, "written")
	p.Signal(t, syscall.SIGTERM)
	p.Err.Await(t, "stopping")
	p.Signal(t, syscall.SIGINT)
	p.Expect(t, "signal: interrupt")
}

// The function that UntilSignal returns ends the context, without a signal as its cause.
func TestStop(t *testing.T) {
	ctx, stop := command.UntilSignal(t.Context())
	stop()
	<-ctx.Done()
	if cause := context.Cause(ctx); cause != context.Canceled {
		t.Errorf("after stop the cause is %v, want context.Canceled", cause)
	}
}

// What the program learns of its standard output.
func TestStdout(t *testing.T) {
	shell := func(redirection string) *proctest.Process {
		p := proctest.Command(t, "once")
		p.Path, p.Args = "/bin/sh", []string{"sh", "-c", `exec "$0" once ` + redirection, p.Path}
		return p
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	gone := proctest.Command(t, "once")
	gone.Stdout = w // survived: it would be the end by SIGPIPE otherwise
	for name, tt := range map[string]struct {
		p    *proctest.Process
		want string
	}{
		"pipe":        {proctest.Command(t, "once"), "written: <nil>\n"},
		"null device": {shell(">/dev/null"), "written: <nil>\n"},
		"closed":      {shell(">&-"), "written: write /dev/stdout: bad file descriptor\n"},
		"full":        {shell(">/dev/full"), "written: write /dev/stdout: no space left on device\n"},
		"reader gone": {gone, "written: write /dev/stdout: broken pipe\n"},
	} {
		if _, err := os.Stat("/dev/full"); err != nil && strings.Contains(name, "full") {
			continue
		}
		tt.p.Begin(t)
		tt.p.Expect(t, "exit status 7")
		if got := tt.p.Err.String(); got != tt.want {
			t.Errorf("standard output %s: %q, want %q", name, got, tt.want)
		}
	}
}
