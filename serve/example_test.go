package serve_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A main function with signals and exit codes is one call.
func ExampleMain() {
	defer serve.ReportExit()() // in place of the exit, for this example

	serve.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			fmt.Println("hello")
			return nil
		})
		return nil
	})
	// Output:
	// hello
	// exit code 0
}

// A server gives the requests in progress some time after a signal.
func ExampleProgram_Main() {
	defer serve.ReportExit()() // in place of the exit, for this example
	l, _ := net.Listen("tcp", "127.0.0.1:0")

	p := serve.Program{Grace: 20 * time.Second, Log: slog.New(slog.DiscardHandler)}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			serve.Drain(ctx, errors.New("as a signal would"))
			return nil
		})
		return serve.HTTP(ctx, &http.Server{}, l)
	})
	// Output: exit code 0
}

// A test drains a program, in a bubble with its own clock.
func ExampleProgram_Run() {
	testDrain := func(t *testing.T) {
		p := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}
		start := time.Now()
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("slow job", func(ctx context.Context) error {
				return deadline.Sleep(ctx, 45*time.Second)
			})
			serve.Drain(ctx, nil)
			return nil
		})
		fmt.Println(err, "after", time.Since(start))
	}
	inBubble(testDrain)
	// Output: <nil> after 45s
}

// A hook learns of the phases, for example to take the program out of a registry.
func ExampleProgram_Run_phases() {
	p := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}
	p.OnPhase = func(ctx context.Context, phase serve.Phase, reason error) { fmt.Println(phase, reason) }
	_ = p.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		serve.Drain(ctx, errors.New("moving to another host"))
		return nil
	})
	// Output:
	// draining moving to another host
	// closing moving to another host
	// ended <nil>
}

// inBubble runs a test in a bubble of package synctest, from an example.
func inBubble(f func(t *testing.T)) {
	for name, value := range map[string]string{"test.run": "", "test.skip": "", "test.v": "false", "test.failfast": "false"} {
		v := flag.Lookup(name).Value // is about the tests of this package
		defer v.Set(v.String())
		v.Set(value)
	}
	var once sync.Once // not for each -count and -cpu
	testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "drain", F: func(t *testing.T) {
		once.Do(func() { synctest.Test(t, f) })
	}}})
}

// A program may decide by itself that it has to end, for example when its files change.
func ExampleDrain() {
	err := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-serve.Draining(ctx)
				fmt.Println("the context is still alive:", ctx.Err() == nil)
				return nil
			})
			serve.Drain(ctx, errors.New("the configuration has changed"))
			return nil
		})
	fmt.Println(err)
	// Output:
	// the context is still alive: true
	// <nil>
}

// A long poll that would outlast the drain gives an empty answer instead.
func ExampleDraining() {
	news := make(chan string)
	poll := func(w http.ResponseWriter, r *http.Request) {
		select {
		case text := <-news:
			fmt.Fprintln(w, text)
		case <-serve.Draining(r.Context()):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}
	_ = serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			w := httptest.NewRecorder()
			poll(w, httptest.NewRequestWithContext(ctx, "GET", "/news", nil))
			fmt.Println(w.Code)
			return nil
		})
	// Output: 204
}

// A stream of events ends when its clients will not be sent here again.
func ExampleClosing() {
	p := serve.Program{Grace: time.Minute, Linger: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	_ = p.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("events", func(ctx context.Context) error {
			<-serve.Closing(ctx)
			fmt.Println("bye")
			return nil
		})
		serve.Drain(ctx, nil)
		return nil
	})
	// Output: bye
}

// The page with metrics is there until the last request has ended.
func ExampleWithoutDrain() {
	_ = serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			metrics := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "requests 1") })
			n.Background("metrics", func(ctx context.Context) error {
				return serve.HTTP(serve.WithoutDrain(ctx), &http.Server{Handler: metrics}, l)
			})
			serve.Drain(ctx, nil)
			res, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				return err
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			fmt.Println(string(text))
			return err
		})
	// Output: requests 1
}

// A consumer takes messages until the drain, and finishes the one it has.
func ExampleUntilDrain() {
	receive := func(ctx context.Context) (string, error) { return "message", ctx.Err() }
	handle := func(ctx context.Context, m string) error {
		fmt.Println("handled", m)
		serve.Drain(ctx, nil) // for this example
		return ctx.Err()
	}
	err := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			return serve.UntilDrain(ctx, func(accept, work context.Context) error {
				for {
					m, err := receive(accept)
					if err != nil {
						return err
					}
					if err := handle(work, m); err != nil {
						return err
					}
				}
			})
		})
	fmt.Println(err)
	// Output:
	// handled message
	// <nil>
}

// A web server that is stopped answers the requests that it has.
func ExampleHTTP() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve.Drain(r.Context(), nil) // as a signal would, in the middle of a request
		fmt.Fprint(w, "hello")
	})
	err = serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.HTTP(ctx, &http.Server{Handler: hello}, l) })
			res, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				return err
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			fmt.Println(string(text))
			return err
		})
	fmt.Println(err)
	// Output:
	// hello
	// <nil>
}

// A load balancer asks whether it may send requests.
func ExampleReady() {
	_ = serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			ready := serve.Ready(ctx)
			probe := func() {
				w := httptest.NewRecorder()
				ready.ServeHTTP(w, httptest.NewRequest("GET", "/ready", nil))
				fmt.Print(w.Code, " ", w.Body)
			}
			probe()
			serve.Drain(ctx, nil)
			probe()
			return nil
		})
	// Output:
	// 200 ready
	// 503 draining
}

// A server with a protocol of its own has a task for each connection.
func ExampleConns() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	shout := func(ctx context.Context, c net.Conn) error {
		lines := bufio.NewScanner(c)
		for lines.Scan() { // ends in a drain when the client is silent
			if _, err := fmt.Fprintln(c, strings.ToUpper(lines.Text())); err != nil {
				return err
			}
		}
		return lines.Err()
	}
	err = serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.Conns(ctx, l, 100, shout) })
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			fmt.Fprintln(c, "hello")
			answer, err := bufio.NewReader(c).ReadString('\n')
			fmt.Print(answer)
			serve.Drain(ctx, nil)
			return err
		})
	fmt.Println(err)
	// Output:
	// HELLO
	// <nil>
}

// A server that shuts itself down, such as one of gRPC, follows the drain as well.
func ExampleGraceful() {
	stopped := make(chan struct{})
	err := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return serve.Graceful(ctx,
				func() error { <-stopped; return nil },
				func(ctx context.Context) error { fmt.Println("graceful stop"); close(stopped); return nil },
				func() { close(stopped) })
		})
	fmt.Println(err)
	// Output:
	// graceful stop
	// <nil>
}

// A pool is closed after the last request, and not by a defer of the body, which would
// run before that.
func ExampleCleanup() {
	_ = serve.Program{Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			serve.Cleanup(ctx, func(ctx context.Context) error {
				fmt.Println("the pool is closed")
				return nil
			})
			n.Go(func(ctx context.Context) error {
				fmt.Println("a request uses the pool")
				return nil
			})
			return nil
		})
	// Output:
	// a request uses the pool
	// the pool is closed
}

// A program with exit codes of its own uses those of Main where it has none.
func ExampleExitCode() {
	interrupted := serve.Program{Log: slog.New(slog.DiscardHandler)}.Run(context.Background(),
		func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, &serve.SignalError{Signal: os.Interrupt}) // as a signal does
			return deadline.Sleep(ctx, time.Hour)
		})
	fmt.Println(serve.ExitCode(interrupted))
	fmt.Println(serve.ExitCode(errors.New("disk full")))
	fmt.Println(serve.ExitCode(nil))
	// Output:
	// 130
	// 1
	// 0
}

// A server uses the sockets of systemd if there are any, and its own otherwise.
func ExampleListeners() {
	listeners, err := serve.Listeners()
	fmt.Println(len(listeners), err)
	// Output: 0 <nil>
}
