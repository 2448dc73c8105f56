package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/nursery"
)

// started is a run of the program in this process.
type started struct {
	stdout, stderr *buffer
	task           *nursery.Task[int]
	interrupt      context.CancelCauseFunc
}

// start runs the program in n.
func start(ctx context.Context, n *nursery.Nursery, args string) *started {
	s := &started{stdout: newBuffer(), stderr: newBuffer()}
	ctx, s.interrupt = context.WithCancelCause(ctx)
	s.task = nursery.Spawn(n, func(context.Context) (int, error) {
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
	inNursery(t, func(ctx context.Context, n *nursery.Nursery) {
		s := start(ctx, n, "-addr 127.0.0.1:0 -for 1h -read-every 300ms")
		for _, end := range []string{
			`quitter end="closed with 1000"`, `vanisher end="broke off"`, `stopper end="cut off: silent`, `mute end="cut off: silent`,
		} {
			s.stderr.after(t, end)
		}
		s.interrupt(fmt.Errorf("enough"))
		s.expect(t, "backpressure", 0,
			"Interrupted (enough).",
			"sleeper pauses with deadline.Sleep", "blocker pauses with time.Sleep", "fast does not pause", "stopper waits for its context",
		)
		for _, reader := range []string{"fast", "sleeper", "blocker", "quitter", "vanisher", "stopper", "mute"} {
			if !strings.Contains(s.stdout.String(), "\n"+reader+" ") {
				t.Errorf("backpressure: no line for reader %s in\n%s", reader, s.stdout)
			}
		}
	})
}

func TestServeAndConnect(t *testing.T) {
	inNursery(t, func(ctx context.Context, n *nursery.Nursery) {
		server := start(ctx, n, "-serve -addr 127.0.0.1:0 -patience 1h")
		url := "-connect ws://" + server.stderr.after(t, "msg=listening addr=") + "/?x=y "

		closes := start(ctx, n, url+"-name closes -read-every 0 -take 20")
		closes.expect(t, "-take 20", 0, "Messages taken: 20")
		server.stderr.after(t, `reader=closes end="closed with 1000"`)

		breaks := start(ctx, n, url+"-name breaks -read-every 0 -take 20 -then break")
		breaks.expect(t, "-take 20 -then break", 0, "Messages taken: 20")
		server.stderr.after(t, `reader=breaks end="broke off"`)

		stops := start(ctx, n, url+"-name stops -read-every 0 -take 5 -then stop")
		stops.stdout.after(t, "taken 5")
		stops.interrupt(fmt.Errorf("enough"))
		stops.expect(t, "-take 5 -then stop", 0, "Interrupted (enough). Messages taken: 5", "waits for its context")
		server.stderr.after(t, `reader=stops end="broke off"`)

		limited := start(ctx, n, url+"-for 10ms -read-every 1h")
		limited.expect(t, "-for 10ms", 0, "The time limit of 10ms was up. Messages taken:")

		left := start(ctx, n, url+"-name left -read-every 0")
		server.stderr.after(t, "msg=\"reader has connected\" reader=left")
		server.interrupt(fmt.Errorf("enough"))
		server.expect(t, "-serve", 0, "Interrupted (enough).", "closes", "left", "server stopped")
		left.expect(t, "server has gone", 1)
		left.stderr.after(t, "backpressure: ")
	})
}

// A table goes to a file that has no room for it.
type full struct{ buffer }

func (*full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space") }

func TestOutputFails(t *testing.T) {
	inNursery(t, func(ctx context.Context, n *nursery.Nursery) {
		stderr := newBuffer()
		code := backpressure.Run(ctx, []string{"-addr", "127.0.0.1:0", "-for", "1h"}, new(full), stderr)
		if code != 1 || !strings.HasSuffix(stderr.String(), "\nbackpressure: standard output: no space\n") {
			t.Errorf("backpressure to a full disk: exit code %d, want 1; standard error:\n%s", code, stderr)
		}
	})
}

func TestErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-addr 127.0.0.1:x":              "listen tcp: ",
		"-addr nowhere":                  "listen tcp: ",
		"-connect ws://127.0.0.1:1/":     "failed to WebSocket dial",
		"-connect ftp://127.0.0.1:1/":    "failed to WebSocket dial: unexpected url scheme",
		"-connect ://":                   "failed to WebSocket dial: failed to parse url",
		"-connect ://  -name x -take 10": "failed to WebSocket dial: failed to parse url",
	} {
		stdout, stderr := newBuffer(), newBuffer()
		code := backpressure.Run(t.Context(), strings.Fields(args), stdout, stderr)
		if code != 1 || stdout.String() != "" || !strings.HasPrefix(stderr.String(), "backpressure: "+want) {
			t.Errorf("backpressure %s: exit code %d, standard output %q, standard error %q; want 1, none, and %q", args, code, stdout, stderr, want)
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-x":                                 "flag provided but not defined: -x",
		"-for x":                             `invalid value "x" for flag -for: parse error`,
		"-for -1s":                           "-for -1s: must not be negative",
		"x":                                  `unexpected argument "x"`,
		"-serve -block":                      "-block needs -connect",
		"-take 1":                            "-take needs -connect",
		"-serve -read-every 1s":              "-read-every is for readers, and -serve brings none along",
		"-connect=":                          "-connect: no URL given",
		"-connect ws://x -serve":             "-serve is for the server, and -connect makes a reader only",
		"-connect ws://x -size 100":          "-size is for the server, and -connect makes a reader only",
		"-connect ws://x -then stop":         "-then needs -take",
		"-connect ws://x -take -1":           "-take -1: must not be negative",
		"-connect ws://x -take 1 -then sing": `-then "sing": must be close, break or stop`,
		"-read-every -1s":                    "-read-every -1s: must not be negative",
		"-size 63":                           "-size 63: must be 64 to 1048576",
		"-size 1048577":                      "-size 1048577: must be 64 to 1048576",
		"-patience 99ms":                     "-patience 99ms: must be at least 100ms",
		"-buffer -1":                         "-buffer -1: must be 0 to 1073741824",
	} {
		stdout, stderr := newBuffer(), newBuffer()
		code := backpressure.Run(t.Context(), strings.Fields(args), stdout, stderr)
		want = "backpressure: " + want + "\nRun backpressure -h for help.\n"
		if code != 2 || stdout.String() != "" || stderr.String() != want {
			t.Errorf("backpressure %s: exit code %d, standard output %q, standard error %q; want 2, none, and %q", args, code, stdout, stderr, want)
		}
	}
}

func TestHelp(t *testing.T) {
	stdout, stderr := newBuffer(), newBuffer()
	code := backpressure.Run(t.Context(), []string{"-h"}, stdout, stderr)
	if code != 0 || stderr.String() != "" {
		t.Errorf("backpressure -h: exit code %d, standard error %q; want 0 and none", code, stderr)
	}
	for _, want := range []string{"Usage: backpressure ", "\n  -patience duration\n", "\nExit codes:\n"} {
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
		stdout, stderr := newBuffer(), newBuffer()
		code := backpressure.Run(ctx, strings.Fields(args), stdout, stderr)
		if code != 0 || !strings.HasPrefix(stdout.String(), "Interrupted (enough).\n") {
			t.Errorf("backpressure %s under a context that is done: exit code %d, standard output %q, want 0 and that it was interrupted; standard error %q",
				args, code, stdout, stderr)
		}
	}
}
