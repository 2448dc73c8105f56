package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

// A handler that fails does not disturb the others, is logged at once, and reported at the end.
func TestFailures(t *testing.T) {
	inBubble(t, "boom", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		other, first, second := h.dial(t), h.dial(t), h.dial(t)
		say(t, other, "one\ntw")
		hear(t, other, "one\n")
		say(t, first, "line\nboom\r\nnever read\n")
		hearEnd(t, first, "line\n")
		synctest.Wait() // its handler has ended
		say(t, second, strings.Repeat("x", 64<<10+1))
		hearEnd(t, second, "error: line longer than 65536 bytes\n")
		synctest.Wait() // its handler as well
		failures := []string{
			`level=ERROR msg=failed task="connection 2 from pipe" lines=1 err="the client said boom"`,
			`level=WARN msg=failed task="connection 3 from pipe" lines=0 err="line too long"`,
		}
		if got := r.log.lines("msg=failed"); !slices.Equal(got, failures) {
			t.Errorf("log\n%q\nwant\n%q", got, failures)
		}
		say(t, other, "o\n")
		hear(t, other, "two\n")
		other.CloseWrite()
		hearEnd(t, other, "")
		r.signals <- os.Interrupt
		r.expect(t, 0, "level=INFO msg=drained accepted=3 served=1 failed=2 gone=0 cut=0 lines=3")
		report := []string{
			`level=ERROR msg="failed in this run" task="connection 2 from pipe" err="the client said boom"`,
			`level=ERROR msg="failed in this run" task="connection 3 from pipe" err="line too long"`,
		}
		if got := r.log.lines("in this run"); !slices.Equal(got, report) {
			t.Errorf("report\n%q\nwant\n%q", got, report)
		}
	})
	// A failure is not lost because its connection was about to be cut off.
	inBubble(t, "boom, then cut off", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		c, half := h.dial(t), h.dial(t)
		say(t, half, "half")
		say(t, c, "bo")
		r.signals <- os.Interrupt
		time.Sleep(2*time.Second - 1)
		say(t, c, "om\n")
		hearEnd(t, half, "")
		r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=2 served=0 failed=1 gone=0 cut=1 lines=0")
		c.Close()
	})
	inBubble(t, "broken connection", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		broken := errors.New("the card is on fire")
		h.visit(&badConn{newPipe(t), func() error { return broken }})
		h.visit(&badConn{newPipe(t), func() error { return &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)} }})
		h.visit(&badConn{newPipe(t), func() error { return &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)} }})
		synctest.Wait() // their handlers have ended
		r.signals <- os.Interrupt
		r.expect(t, 0, "level=INFO msg=drained accepted=3 served=0 failed=1 gone=2 cut=0 lines=0")
		if got := r.log.lines("in this run"); len(got) != 1 || !strings.Contains(got[0], broken.Error()) {
			t.Errorf("report\n%q\nwant one line, with %v", got, broken)
		}
	})
	inBubble(t, "panic", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		other := h.dial(t)
		h.visit(&badConn{newPipe(t), func() error { panic("bug") }})
		synctest.Wait() // the handler has panicked
		if got := r.log.lines("msg=panic"); len(got) != 1 || !strings.Contains(got[0], `task="connection 2 from pipe" value=bug stack=`) {
			t.Errorf("log\n%q\nwant one line about the panic", got)
		}
		say(t, other, "line\n")
		hear(t, other, "line\n")
		r.signals <- os.Interrupt
		hearEnd(t, other, "")
		r.expect(t, 0, "level=INFO msg=drained accepted=2 served=1 failed=1 gone=0 cut=0 lines=1")
		if got := r.log.lines("in this run"); len(got) != 1 {
			t.Errorf("report\n%q\nwant one line", got)
		}
	})
	// The report at the end has its limit; the log and the counts have none.
	inBubble(t, "many", echo.World{Kept: 3}, nil, func(t *testing.T, h *hall, r *running) {
		for range 5 {
			c := h.dial(t)
			say(t, c, "boom\n")
			hearEnd(t, c, "")
			synctest.Wait() // the handler has ended
		}
		r.signals <- os.Interrupt
		r.expect(t, 0, "level=INFO msg=drained accepted=5 served=0 failed=5 gone=0 cut=0 lines=0")
		if got := r.log.lines("msg=failed"); len(got) != 5 {
			t.Errorf("log\n%q\nwant five lines", got)
		}
		want := []string{
			`level=ERROR msg="failed in this run" task="connection 1 from pipe" err="the client said boom"`,
			`level=ERROR msg="failed in this run" task="connection 2 from pipe" err="the client said boom"`,
			`level=ERROR msg="failed in this run" task="connection 3 from pipe" err="the client said boom"`,
			`level=ERROR msg="more failed, and were logged when they did" number=2`,
		}
		if got := r.log.lines("in this run|more failed"); !slices.Equal(got, want) {
			t.Errorf("report\n%q\nwant\n%q", got, want)
		}
	})
}

// A badConn is a connection where a Read does something else.
type badConn struct {
	net.Conn
	read func() error
}

func (c *badConn) Read([]byte) (int, error) { return 0, c.read() }

func newPipe(t *testing.T) net.Conn {
	p, q := net.Pipe()
	t.Cleanup(func() { q.Close() })
	return p
}

// Too many open files, say, do not end the server.
func TestAcceptErrors(t *testing.T) {
	inBubble(t, "continue", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		for range 2 { // the second time shows that a success makes the pauses short again
			h.button.Write(tooMany)
			for _, pause := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
				say(t, c, "line\n")
				hear(t, c, "line\n")
				start := time.Now()
				h.button.Write(tooMany) // waits for the next Accept
				sinceStart(t, "next Accept", start, pause*time.Millisecond)
			}
			h.dial(t).Close()
		}
		c.Close()
		r.signals <- os.Interrupt
		r.expect(t, 0, "level=INFO msg=drained accepted=3 served=3 failed=0 gone=0 cut=0 lines=20")
		if got := r.log.lines("cannot accept.* next=1s$"); len(got) != 6 {
			t.Errorf("log\n%q\nwant six lines", got)
		}
	})
}

// The signal has its effect also while the server waits after an error.
func TestDrainWhileAcceptFails(t *testing.T) {
	inBubble(t, "drain", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		start := time.Now()
		for range 9 {
			h.button.Write(tooMany)
		}
		synctest.Wait() // the ninth pause, of a second, has begun
		sinceStart(t, "ninth error", start, 1275*time.Millisecond)
		r.signals <- os.Interrupt
		r.expect(t, 0, "level=INFO msg=drained accepted=0 served=0 failed=0 gone=0 cut=0 lines=0")
		sinceStart(t, "end", start, 1275*time.Millisecond)
	})
}

// A listener that is broken for good ends the server, but not at once for clients
// that are connected.
func TestListenerClosed(t *testing.T) {
	inBubble(t, "closed", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "ha")
		h.Close()
		time.Sleep(time.Second)
		say(t, c, "lf\n")
		hear(t, c, "half\n")
		hearEnd(t, c, "")
		r.expect(t, 1, `level=ERROR msg="stopped listening" accepted=1 served=1 failed=0 gone=0 cut=0 lines=1`)
		want := `level=ERROR msg="failed in this run" task=listener err="stopped listening: accept hall: use of closed network connection"`
		if got := r.log.lines("in this run"); len(got) != 1 || got[0] != want {
			t.Errorf("report\n%q\nwant one line\n%s", got, want)
		}
	})
}

// Canceling the context of the program cuts it off like a second signal.
func TestContext(t *testing.T) {
	t.Run("canceled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			h := newHall()
			r := start(ctx, echo.World{Listen: func(context.Context, string) (net.Listener, error) { return h, nil }})
			c := h.dial(t)
			say(t, c, "half")
			begin := time.Now()
			cancel()
			hearEnd(t, c, "")
			r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=0")
			sinceStart(t, "end", begin, 0)
		})
	})
}

// A third signal must have its usual effect, whatever the program is doing.
func TestRelease(t *testing.T) {
	released := make(chan struct{})
	l := func(ctx context.Context, _ string) (net.Listener, error) { return echo.ListenTCP(ctx, "127.0.0.1:0") }
	r := start(t.Context(), echo.World{Listen: l, Released: func() { close(released) }})
	conn, err := net.Dial("tcp", r.log.Await(t, "msg=listening addr=(.*)")[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	say(t, conn, "line\nhalf")
	hear(t, conn, "line\n") // so it has been accepted
	r.signals <- os.Interrupt
	r.log.Await(t, "msg=draining")
	select {
	case <-released:
		t.Error("signals were released after the first one")
	default:
	}
	r.signals <- os.Interrupt
	select {
	case <-released:
	case <-time.After(patience):
		t.Error("signals were not released after the second one")
	}
	<-r.code
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"now"}, `echo: unexpected argument "now"` + "\n"},
		{[]string{"-grace", "-1s"}, "echo: -grace -1s: must not be negative\n"},
		{[]string{"-grace", "2"}, `echo: invalid value "2" for flag -grace: parse error` + "\n"},
		{[]string{"-max-line", "0"}, "echo: -max-line 0: must be 1 to 1073741824\n"},
		{[]string{"-max-line", "1073741825"}, "echo: -max-line 1073741825: must be 1 to 1073741824\n"},
		{[]string{"-x"}, "echo: flag provided but not defined: -x\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := echo.Run(t.Context(), c.args, &stdout, &stderr)
		if want := c.want + "Run echo -h for help.\n"; code != 2 || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("echo %q: exit code %d, standard output %q, standard error %q; want 2, none and %q",
				c.args, code, stdout.String(), stderr.String(), want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := echo.Run(t.Context(), []string{"-h"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("echo -h: exit code %d, standard error %q, want 0 and none", code, stderr.String())
	}
	for _, want := range []string{
		"Usage: echo [-addr HOST:PORT]", "\n  -addr HOST:PORT\n", `(default "127.0.0.1:9000")`,
		"\n  -grace DURATION\n", "(default 2s)", "\n  -max-line BYTES\n", "(default 65536)", "\n  -v\t",
		"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\nExample:\n  ./echo ",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("echo -h: no %q in\n%s", want, stdout.String())
		}
	}
}

func TestCannotListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, addr := range []string{l.Addr().String(), "nonsense", "127.0.0.1:http:80"} {
		var stderr bytes.Buffer
		code := echo.Run(t.Context(), []string{"-addr", addr}, io.Discard, &stderr)
		if code != 1 || !strings.HasPrefix(stderr.String(), "echo: listen tcp") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("echo -addr %s: exit code %d, standard error %q, want 1 and a line that says why", addr, code, stderr.String())
		}
	}
}
