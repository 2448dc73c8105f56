//go:build unix

package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

func init() { programs["phases"] = phases }

// phases is a program with the Grace and the Linger that its arguments say. What it does
// is the third one. It prints the phases.
func phases() {
	grace, err1 := time.ParseDuration(os.Args[1])
	linger, err2 := time.ParseDuration(os.Args[2])
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	p := serve.Program{Name: "test", Grace: grace, Linger: linger, OnPhase: func(_ context.Context, phase serve.Phase, reason error) {
		fmt.Println(phase, reason)
		if phase == serve.PhaseEnded && os.Args[3] == "deaf hook" {
			select {}
		}
	}}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		switch what := os.Args[3]; what {
		case "nice": // ends when nothing new is accepted
			n.Go(func(ctx context.Context) error { <-serve.Closing(ctx); return nil })
		case "canceled", "deaf hook": // ends with the context
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		case "deaf": // does not end
			n.Go(func(context.Context) error { select {} })
		case "cleanup": // ends at once, but cleans up until the context is done
			n.Go(func(ctx context.Context) error { <-serve.Draining(ctx); return nil })
			serve.Cleanup(ctx, func(ctx context.Context) error {
				fmt.Println("cleaning")
				<-ctx.Done()
				return ctx.Err()
			})
		case "deaf cleanup": // cleans up for ever
			n.Go(func(ctx context.Context) error { <-serve.Draining(ctx); return nil })
			serve.Cleanup(ctx, func(ctx context.Context) error {
				fmt.Println("cleaning")
				<-ctx.Done()
				fmt.Println("still cleaning")
				select {}
			})
		case "late cleanup", "failed": // is in its clean-up when the signal comes
			serve.Cleanup(ctx, func(ctx context.Context) error {
				fmt.Println("running")
				<-ctx.Done()
				return ctx.Err()
			})
			if what == "failed" {
				return errors.New("out of ink")
			}
			return nil
		case "fail":
			return errors.New("out of ink")
		case "goexit":
			runtime.Goexit()
		case "panic":
			n.Go(func(context.Context) error { panic("bad") })
		case "late": // serves when it gets a line
			fmt.Println("running")
			if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
				return err
			}
			return serve.HTTP(ctx, &http.Server{Addr: "127.0.0.1:0"})
		default: // an address
			return serve.HTTP(ctx, &http.Server{Addr: what})
		}
		fmt.Println("running")
		return nil
	})
}

// Each signal takes the program to the next step: drain, cancellation, end of the process.
func TestSignals(t *testing.T) {
	t.Parallel()
	const term, intr = syscall.SIGTERM, syscall.SIGINT
	type step struct {
		signal os.Signal
		then   string // a line of the output
	}
	for _, tt := range []struct {
		grace, linger, what string
		steps               []step
		end                 string
	}{
		{"1m", "0s", "nice", []step{{term, "closing terminated signal received"}}, "exit status 0"},
		{"1m", "10ms", "nice", []step{{intr, "draining interrupt signal received"}}, "exit status 0"},
		{"-1s", "0s", "nice", []step{{term, "closing terminated signal received"}}, "exit status 0"},
		{"10ms", "0s", "canceled", []step{{term, "canceled work was cut off 10ms after"}}, "exit status 3"},
		{"0s", "0s", "canceled", []step{{term, "canceled canceled by signal: terminated"}}, "exit status 143"},
		{"0s", "0s", "canceled", []step{{intr, "canceled canceled by signal: interrupt"}}, "exit status 130"},
		{"0s", "0s", "nice", []step{{intr, "closing interrupt"}}, "exit status 0"},
		// A second signal in each phase.
		{"1m", "1m", "canceled", []step{{term, "draining terminated"}, {term, "canceled canceled by signal: terminated"}}, "exit status 143"},
		{"1m", "0s", "canceled", []step{{term, "closing terminated"}, {intr, "canceled canceled by signal: interrupt"}}, "exit status 130"},
		{"-1s", "0s", "canceled", []step{{term, "closing terminated"}, {term, "canceled canceled by signal: terminated"}}, "exit status 143"},
		{"10ms", "0s", "deaf", []step{{term, "canceled work was cut off"}, {term, ""}}, "signal: terminated"},
		{"0s", "0s", "deaf", []step{{term, "canceled canceled by signal"}, {intr, ""}}, "signal: interrupt"},
		{"1m", "0s", "cleanup", []step{{term, "cleaning"}, {term, "ended canceled by signal: terminated"}}, "exit status 143"},
		{"0s", "0s", "late cleanup", []step{{term, "ended canceled by signal: terminated: cleanup"}}, "exit status 143"},
		{"0s", "0s", "failed", []step{{term, "ended test: out of ink"}}, "exit status 1"},
		{"0s", "0s", "deaf hook", []step{{term, "ended canceled by signal"}, {intr, ""}}, "signal: interrupt"},
		{"0s", "0s", "deaf cleanup", []step{{term, "cleaning"}, {term, ""}}, "signal: terminated"},
		// A third one.
		{"1m", "0s", "deaf cleanup", []step{{term, "cleaning"}, {intr, "still cleaning"}, {term, ""}}, "signal: terminated"},
		{"1m", "1m", "deaf", []step{{term, "draining terminated"}, {term, "canceled canceled"}, {term, ""}}, "signal: terminated"},
		{"1m", "0s", "deaf", []step{{intr, "closing interrupt"}, {intr, "canceled canceled"}, {intr, ""}}, "signal: interrupt"},
	} {
		t.Run(strings.Join([]string{tt.what, tt.grace, tt.linger, strconv.Itoa(len(tt.steps))}, ","), func(t *testing.T) {
			t.Parallel()
			p := proctest.Start(t, "phases", tt.grace, tt.linger, tt.what)
			p.Out.Await(t, "^running$")
			for _, s := range tt.steps {
				p.Signal(t, s.signal)
				if s.then != "" {
					p.Out.Await(t, "^"+s.then)
				}
			}
			p.Expect(t, tt.end)
		})
	}
}

// A signal that the process was started to ignore ends it as well.
func TestIgnoredSignal(t *testing.T) {
	t.Parallel()
	p := proctest.Command(t, "phases")
	p.Args = []string{"sh", "-c", `trap "" INT; exec "$0" "$@"`, p.Path, "phases", "0s", "0s", "deaf"}
	p.Path = "/bin/sh"
	p.Begin(t)
	p.Out.Await(t, "^running$")
	p.Signal(t, syscall.SIGINT)
	p.Out.Await(t, "^canceled")
	p.Signal(t, syscall.SIGINT)
	p.Expect(t, "exit status 130")
}

// A program that fails logs the failure, and only that, and so does one that calls
// runtime.Goexit.
func TestMainFails(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"fail":   `ERROR failed program=test error="test: out of ink"`,
		"goexit": `ERROR failed program=test error="the body, a task or a function of Cleanup or OnPhase called runtime.Goexit`,
	} {
		p := proctest.Start(t, "phases", "1m", "0s", what)
		p.Expect(t, "exit status 1")
		if got := p.Err.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
			t.Errorf("standard error:\n%s\nwant one line with %s", got, want)
		}
	}
}

func TestMainPanics(t *testing.T) {
	t.Parallel()
	p := proctest.Start(t, "phases", "1m", "0s", "panic")
	p.Expect(t, "exit status 2")
	if got := p.Err.String(); !strings.Contains(got, "panicked: bad") {
		t.Errorf("standard error:\n%s\nwant the panic in it", got)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l := listen(t)
	p := proctest.Start(t, "phases", "1m", "0s", l.Addr().String())
	p.Expect(t, "exit status 1")
	if got := p.Err.String(); !strings.Contains(got, "address already in use") {
		t.Errorf("standard error:\n%s\nwant the reason", got)
	}
}

// A signal that comes before the server listens counts.
func TestSignalBeforeTheListener(t *testing.T) {
	t.Parallel()
	p := proctest.Command(t, "phases", "1m", "0s", "late")
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Begin(t)
	p.Out.Await(t, "^running$")
	p.Signal(t, syscall.SIGTERM)
	p.Out.Await(t, "^closing")
	fmt.Fprintln(in)
	p.Expect(t, "exit status 0")
}

// A log that blocks does not delay the end, nor does one whose reader has gone.
func TestLogThatBlocks(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if gone {
			r.Close()
		} else {
			w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20))) // until it is full
		}
		p := proctest.Command(t, "phases", "1m", "10ms", "nice")
		p.Stderr = w
		p.Begin(t)
		w.Close()
		p.Out.Await(t, "^running$")
		p.Signal(t, syscall.SIGTERM)
		p.Expect(t, "exit status 0")
	}
}

func init() { programs["inherited"] = inherited }

// inherited serves on the sockets with the names that are its arguments.
func inherited() {
	serve.Program{Grace: time.Minute}.Main(func(ctx context.Context, n *nursery.Nursery) error {
		listeners, err := serve.Listeners(os.Args[1:]...)
		if err != nil {
			return err
		}
		again, err := serve.Listeners()
		fmt.Printf("%d listeners, again %d %v, %q\n", len(listeners), len(again), err, os.Getenv("LISTEN_FDS"))
		if len(listeners) == 0 {
			return nil
		}
		hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
		return serve.HTTP(ctx, &http.Server{Handler: hello}, listeners...)
	})
}

// The sockets that systemd passes are served, and those that are not wanted are closed.
func TestListeners(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, env string, files []io.Closer, names ...string) *proctest.Process {
		p := proctest.Command(t, "inherited")
		for _, l := range files {
			f, err := l.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			p.ExtraFiles = append(p.ExtraFiles, f)
			l.Close()
		}
		p.Args = append([]string{"sh", "-c", env + ` exec "$0" "$@"`, p.Path, "inherited"}, names...)
		p.Path = "/bin/sh"
		p.Begin(t)
		return p
	}
	t.Run("all", func(t *testing.T) {
		one, two := listen(t), listen(t)
		p := start(t, "LISTEN_PID=$$ LISTEN_FDS=2", []io.Closer{one, two})
		p.Out.Await(t, `^2 listeners, again 0 <nil>, ""$`)
		for _, l := range []net.Listener{one, two} {
			if got, err := fetch(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+l.Addr().String()); got != "hello" || err != nil {
				t.Errorf("GET = %q, %v, want hello", got, err)
			}
		}
		p.Signal(t, syscall.SIGTERM)
		p.Expect(t, "exit status 0")
	})
	t.Run("by name", func(t *testing.T) {
		one, two := listen(t), listen(t)
		p := start(t, "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=admin:web", []io.Closer{one, two}, "web")
		p.Out.Await(t, `^1 listeners, again 0 <nil>, ""$`)
		if got, err := fetch(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+two.Addr().String()); got != "hello" || err != nil {
			t.Errorf("GET = %q, %v, want hello", got, err)
		}
		if c, err := net.Dial("tcp", one.Addr().String()); err == nil {
			c.Close()
			t.Error("the socket that is not wanted is open")
		}
		p.Signal(t, syscall.SIGTERM)
		p.Expect(t, "exit status 0")
	})
	t.Run("of another process", func(t *testing.T) {
		p := start(t, "LISTEN_PID=1 LISTEN_FDS=2", nil)
		p.Out.Await(t, `^0 listeners, again 0 <nil>, "2"$`)
		p.Expect(t, "exit status 0")
	})
	t.Run("nonsense", func(t *testing.T) {
		p := start(t, "LISTEN_PID=$$ LISTEN_FDS=many", nil)
		p.Expect(t, "exit status 1")
	})
	wantError := func(t *testing.T, p *proctest.Process, want string) {
		t.Helper()
		p.Expect(t, "exit status 1")
		if got := p.Err.String(); !strings.Contains(got, want) {
			t.Errorf("standard error:\n%s\nwant %s", got, want)
		}
	}
	t.Run("no sockets", func(t *testing.T) {
		wantError(t, start(t, "LISTEN_PID=$$ LISTEN_FDS=1 3</dev/null", nil), "socket 3 (): getsockopt")
	})
	t.Run("fewer sockets", func(t *testing.T) { // the next files are those of the runtime
		wantError(t, start(t, "LISTEN_PID=$$ LISTEN_FDS=1000000", []io.Closer{listen(t)}), "is not open, although LISTEN_FDS counts it")
	})
	t.Run("does not listen", func(t *testing.T) {
		c, err := net.Dial("tcp", listen(t).Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, start(t, "LISTEN_PID=$$ LISTEN_FDS=1", []io.Closer{c}), "socket 3 () does not listen: set ListenStream and Accept=no")
	})
}
