package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/examples/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
)

// started is a run of the program in this process.
type started struct {
	stdout, stderr *proctest.Text
	task           *nursery.Task[int]
	interrupt      context.CancelCauseFunc
}

// start runs the program in n.
func start(ctx context.Context, n *nursery.Nursery, args string) *started {
	s := &started{stdout: proctest.NewText(), stderr: proctest.NewText()}
	ctx, s.interrupt = context.WithCancelCause(ctx)
	s.task = nursery.Spawn(n, "", func(context.Context) (int, error) {
		return backpressure.Run(ctx, strings.Fields(args), s.stdout, s.stderr), nil
	})
	return s
}

// expect waits for the end, and checks the exit code and the parts of the output.
// In want, runs of blanks count as one.
func (s *started) expect(t *testing.T, call string, code int, want ...string) {
	t.Helper()
	got, err := s.task.Wait(patient(t))
	if err != nil || got != code {
		t.Errorf("%s: exit code %d, %v, want %d; standard error:\n%s", call, got, err, code, s.stderr)
	}
	out := strings.Join(strings.Fields(s.stdout.String()), " ")
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%s: standard output has no %q:\n%s", call, w, s.stdout)
		}
	}
}

// inNursery calls body in a nursery, and reports if that fails.
func inNursery(t *testing.T, body func(ctx context.Context, n *nursery.Nursery)) {
	t.Helper()
	err := nursery.Run(patient(t), func(ctx context.Context, n *nursery.Nursery) error {
		body(ctx, n)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The program as it comes, with all its readers.
func TestDemo(t *testing.T) {
	t.Parallel()
	inNursery(t, func(ctx context.Context, n *nursery.Nursery) {
		// With little patience: on a busy machine others may be cut off as well.
		s := start(ctx, n, "-addr 127.0.0.1:0 -for 1h -pause 300ms -patience 1s")
		for _, end := range []string{`stopper end="cut off: silent`, `mute end="cut off: silent`} {
			s.stderr.Await(t, end)
		}
		s.interrupt(fmt.Errorf("enough"))
		s.expect(t, "backpressure", 0)

		s = start(ctx, n, "-addr 127.0.0.1:0 -for 1h -pause 300ms -patience 1h")
		for _, end := range []string{`quitter end="closed with 1000"`, `vanisher end="broke off"`} {
			s.stderr.Await(t, end)
		}
		s.interrupt(fmt.Errorf("enough"))
		s.expect(t, "backpressure", 0, "sleeper with deadline.Sleep", "blocker with time.Sleep", "fast with deadline.Sleep", "stopper with deadline.Sleep")
		for _, reader := range []string{"fast", "sleeper", "blocker", "quitter", "vanisher", "stopper", "mute"} {
			if !strings.Contains(s.stdout.String(), "s  "+reader+" ") {
				t.Errorf("backpressure: no line for reader %s in\n%s", reader, s.stdout)
			}
			if !strings.Contains(s.stderr.String(), `"reader has ended" reader=`+reader+" ") {
				t.Errorf("backpressure: no end of reader %s in\n%s", reader, s.stderr)
			}
		}
	})
}

func TestServeAndConnect(t *testing.T) {
	inNursery(t, func(ctx context.Context, n *nursery.Nursery) {
		server := start(ctx, n, "-serve -addr 127.0.0.1:0 -patience 1h")
		url := "-connect ws://" + server.stderr.Await(t, "msg=listening addr=(.*)$")[1] + "/?name="

		stops := start(ctx, n, url+"stops -pause 1h")
		server.stderr.Await(t, `"reader has connected" reader=stops`)
		stops.interrupt(fmt.Errorf("enough"))
		stops.expect(t, "-pause 1h", 0, "reader with deadline.Sleep")
		server.stderr.Await(t, `reader=stops end="broke off"`)

		limited := start(ctx, n, url+"limited -for 10ms -pause 1h")
		limited.expect(t, "-for 10ms", 0, "reader with deadline.Sleep")

		left := start(ctx, n, url+"left -pause 0")
		server.stderr.Await(t, `"reader has connected" reader=left`)
		server.interrupt(fmt.Errorf("enough"))
		server.expect(t, "-serve", 0)
		server.stderr.Await(t, `reader=left end="server stopped"`)
		left.expect(t, "server has gone", 1)
		left.stderr.Await(t, "backpressure: ")
	})
}

// A table goes to a file that has no room for it.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space") }

func TestOutputFails(t *testing.T) {
	t.Parallel()
	stderr := proctest.NewText()
	code := backpressure.Run(patient(t), []string{"-addr", "127.0.0.1:0", "-for", "1h"}, full{}, stderr)
	if code != 1 || !strings.HasSuffix(stderr.String(), "\nbackpressure: no space\n") {
		t.Errorf("backpressure to a full disk: exit code %d, want 1; standard error:\n%s", code, stderr)
	}
}

func TestErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-addr 127.0.0.1:x":           "listen tcp: ",
		"-addr nowhere":               "listen tcp: ",
		"-connect ws://127.0.0.1:1/":  "failed to WebSocket dial",
		"-connect ftp://127.0.0.1:1/": "failed to WebSocket dial: unexpected url scheme",
		"-connect ://":                "failed to WebSocket dial: failed to parse url",
	} {
		stdout, stderr := proctest.NewText(), proctest.NewText()
		code := backpressure.Run(t.Context(), strings.Fields(args), stdout, stderr)
		if code != 1 || stdout.String() != "" || !strings.Contains("\n"+stderr.String(), "\nbackpressure: "+want) {
			t.Errorf("backpressure %s: exit code %d, standard output %q, standard error %q; want 1, none, and %q", args, code, stdout, stderr, want)
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-x":                     "flag provided but not defined: -x",
		"-for x":                 `invalid value "x" for flag -for: parse error`,
		"x":                      `unexpected argument "x"`,
		"-block":                 "-block needs -connect",
		"-serve -block":          "-block needs -connect",
		"-connect ws://x -serve": "-serve and -connect exclude each other",
		"-pause -1s":             "-pause and -for must not be negative, and -patience at least 100ms",
		"-for -1s":               "-pause and -for must not be negative, and -patience at least 100ms",
		"-patience 99ms":         "-pause and -for must not be negative, and -patience at least 100ms",
	} {
		stdout, stderr := proctest.NewText(), proctest.NewText()
		code := backpressure.Run(t.Context(), strings.Fields(args), stdout, stderr)
		want = "backpressure: " + want + "\nRun backpressure -h for help.\n"
		if code != 2 || stdout.String() != "" || stderr.String() != want {
			t.Errorf("backpressure %s: exit code %d, standard output %q, standard error %q; want 2, none, and %q", args, code, stdout, stderr, want)
		}
	}
}

func TestHelp(t *testing.T) {
	stdout, stderr := proctest.NewText(), proctest.NewText()
	code := backpressure.Run(t.Context(), []string{"-h"}, stdout, stderr)
	if code != 0 || stderr.String() != "" {
		t.Errorf("backpressure -h: exit code %d, standard error %q; want 0 and none", code, stderr)
	}
	for _, want := range []string{"Usage: backpressure ", "\n  -patience duration\n", "\nFlags:\n"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("backpressure -h: no %q in\n%s", want, stdout)
		}
	}
}

// A cancellation that is there from the start ends the program at once.
func TestCanceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("enough"))
	for _, args := range []string{"-addr 127.0.0.1:0", "-serve -addr 127.0.0.1:0", "-connect ws://127.0.0.1:1/"} {
		stdout, stderr := proctest.NewText(), proctest.NewText()
		code := backpressure.Run(ctx, strings.Fields(args), stdout, stderr)
		if code != 0 || strings.Contains(stderr.String(), "backpressure: ") {
			t.Errorf("backpressure %s under a context that is done: exit code %d, want 0 and no complaint; standard error:\n%s", args, code, stderr)
		}
	}
}
