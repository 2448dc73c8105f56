package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// Clients that hold their requests up are cut off when the grace period is over, and so
// are the handlers that wait for them.
func TestClientsThatHoldUp(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]struct {
		send    string
		handler http.HandlerFunc
		busy    bool // a handler runs
	}{
		"never finishes the header": {send: get[:20], handler: func(http.ResponseWriter, *http.Request) {}},
		"never finishes the body": {
			send: "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc", busy: true,
			handler: func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadAll(r.Body)
			},
		},
		"never reads": {
			send: get, busy: true,
			handler: func(w http.ResponseWriter, r *http.Request) {
				for block := make([]byte, 1<<20); ; {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			},
		},
		"never reads what was taken over": {
			send: get, busy: true,
			handler: func(w http.ResponseWriter, r *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, c) // without a look at the context
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inside := make(chan struct{}, 1)
			s := serveSite(t, serve.Program{Grace: 300 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
				inside <- struct{}{}
				hold.handler(w, r)
			})
			c := s.dial(t)
			c.send(t, hold.send)
			if hold.busy {
				<-inside
			} else {
				after(t, 50*time.Millisecond) // so that it has been read
			}
			serve.Drain(s.ctx, nil)
			err := s.wait()
			var cut *serve.CutError
			if !errors.As(err, &cut) && hold.busy || err != nil && !hold.busy {
				t.Errorf("Run = %v, want a CutError if a handler was running, which is %t", err, hold.busy)
			}
			if hold.busy && !strings.Contains(cut.Error(), "> GET / (") && !strings.Contains(cut.Error(), "> POST / (") {
				t.Errorf("Run = %v, want the name of the request in it", err)
			}
		})
	}
}

// A client that vanishes ends its own request only, at once, as without HTTP.
func TestClientVanishes(t *testing.T) {
	t.Parallel()
	inside, gone := make(chan struct{}), make(chan struct{})
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
		close(gone)
	})
	c := s.dial(t)
	c.send(t, get)
	await(t, "the request", inside)
	serve.Drain(s.ctx, nil)
	c.Close()
	await(t, "the end of the request", gone)
	s.wantEnd(t, nil)
}

// A handler that does not look at its context is named, again and again, and waited for.
func TestHandlerThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	var lines record
	inside, release := make(chan struct{}), make(chan struct{})
	s := serveSite(t, serve.Program{Grace: 50 * time.Millisecond, Log: lines.logger()}, func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-release
	})
	c := s.dial(t)
	c.send(t, strings.Replace(get, " / ", " /deaf?x=1 ", 1))
	await(t, "the request", inside)
	serve.Drain(s.ctx, nil)
	c.wantEnd(t) // it is cut off, although the handler runs
	lines.Await(t, "level=WARN msg=waiting.*GET /deaf")
	close(release)
	var cut *serve.CutError
	if err := s.wait(); !errors.As(err, &cut) || serve.ExitCode(err) != 3 {
		t.Errorf("Run = %v, exit code %d, want a CutError and 3", err, serve.ExitCode(err))
	}
}

// When everything is canceled, handlers that look at their contexts can still answer.
func TestCanceledHandlerAnswers(t *testing.T) {
	t.Parallel()
	inside := make(chan struct{})
	s := serveSite(t, serve.Program{}, func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
		http.Error(w, context.Cause(r.Context()).Error(), http.StatusServiceUnavailable)
	})
	c := s.dial(t)
	c.send(t, get)
	await(t, "the request", inside)
	serve.Drain(s.ctx, errTest)
	res, text := c.answer(t)
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "cut off") {
		t.Errorf("answer %d, %q, want 503 and the reason", res.StatusCode, text)
	}
	if err := s.wait(); serve.ExitCode(err) != 3 {
		t.Errorf("Run = %v, want a CutError", err)
	}
}

// A server without requests is not cut off.
func TestIdleServerIsNotCutOff(t *testing.T) {
	t.Parallel()
	s := serveSite(t, serve.Program{}, func(w http.ResponseWriter, r *http.Request) {})
	c := s.dial(t)
	c.send(t, get)
	c.answer(t)
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
	c.wantEnd(t)
}

// A handler that panics ends its own connection, and is logged, also if it has taken the
// connection over. Requests of other connections are answered.
func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		var lines record
		l := listen(t)
		server := &http.Server{ErrorLog: log.New(&lines, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/good" {
				io.WriteString(w, "hello")
				return
			}
			if taken {
				if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
					t.Error(err)
				}
			}
			panic("bad")
		})}
		s := &site{addr: l.Addr().String(), program: run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
			return serve.HTTP(ctx, server, l)
		})}
		good, bad := s.dial(t), s.dial(t)
		bad.send(t, get)
		bad.wantEnd(t)
		good.send(t, strings.Replace(get, " / ", " /good ", 1))
		if _, text := good.answer(t); text != "hello" {
			t.Errorf("answer beside a panic: %q, want hello", text)
		}
		serve.Drain(s.ctx, nil)
		s.wantEnd(t, nil)
		if got := lines.String(); strings.Count(got, "panic serving") != 1 || !strings.Contains(got, "bad") {
			t.Errorf("taken over %t: the log of the server:\n%s\nwant the panic once", taken, got)
		}
	}
}

// A hook of the user that panics ends the program like every panic.
func TestHookPanics(t *testing.T) {
	t.Parallel()
	l := listen(t)
	server := &http.Server{ConnContext: func(context.Context, net.Conn) context.Context { panic("bad") }}
	caught := make(chan any, 1)
	wait := start(t, func() error {
		defer func() { caught <- recover() }()
		return serve.HTTP(context.Background(), server, l)
	})
	(&site{addr: l.Addr().String()}).dial(t)
	if err := wait(); err != nil {
		t.Errorf("HTTP = %v", err)
	}
	if p, ok := (<-caught).(*nursery.PanicError); !ok || p.Value != "bad" {
		t.Errorf("HTTP panicked with %v, want bad in a PanicError", p)
	}
}

// What a ResponseWriter of net/http can do, it can do in HTTP as well.
func TestResponseWriter(t *testing.T) {
	t.Parallel()
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		for name, ok := range map[string]bool{
			"Flusher": is[http.Flusher](w), "Hijacker": is[http.Hijacker](w), "ReaderFrom": is[io.ReaderFrom](w),
			"StringWriter": is[io.StringWriter](w), "FlushError": is[interface{ FlushError() error }](w),
			"CloseNotifier": is[interface{ CloseNotify() <-chan bool }](w), "not Pusher": !is[http.Pusher](w),
		} {
			if !ok {
				t.Errorf("the ResponseWriter is wrong about %s", name)
			}
		}
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}), c.EnableFullDuplex()); err != nil {
			t.Errorf("ResponseController: %v", err)
		}
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "one ")
		if err := c.Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		if n, err := w.(io.ReaderFrom).ReadFrom(bytes.NewReader([]byte("two "))); n != 4 || err != nil {
			t.Errorf("ReadFrom = %d, %v, want 4 and nil", n, err)
		}
		w.Write([]byte("three"))
	})
	c := s.dial(t)
	c.send(t, get)
	if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusEarlyHints {
		t.Fatalf("first response: %v, %v, want 103", res, err)
	}
	if res, text := c.answer(t); res.StatusCode != http.StatusAccepted || text != "one two three" {
		t.Errorf("answer %d %q, want 202 and one two three", res.StatusCode, text)
	}
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
}

// A handler that speaks HTTP/2 itself can take the connection over, by the request as which
// net/http takes the beginning of a client.
func TestPrefaceOfHTTP2(t *testing.T) {
	t.Parallel()
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		hijacker, ok := w.(http.Hijacker)
		if !ok || r.Method != "PRI" {
			t.Errorf("method %s with a %T, want PRI and a Hijacker", r.Method, w)
			return
		}
		c, _, err := hijacker.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		<-serve.Closing(r.Context())
		io.WriteString(c, "closing")
	})
	c := s.dial(t)
	c.send(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	after(t, 20*time.Millisecond) // so that the drain finds it
	serve.Drain(s.ctx, nil)
	if text, err := io.ReadAll(c.r); string(text) != "closing" || err != nil {
		t.Errorf("the client reads %q, %v, want closing", text, err)
	}
	s.wantEnd(t, nil)
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// The hooks of the user get what they get without HTTP, and what BaseContext returns
// lies inside the program.
func TestHooksOfTheUser(t *testing.T) {
	t.Parallel()
	type key string
	l := listen(t)
	states := make(chan http.ConnState, 10)
	wrong := func(what string, v any) { t.Errorf("%s gets a %T, want that of package net", what, v) }
	server := &http.Server{
		BaseContext: func(l net.Listener) context.Context {
			if !is[*net.TCPListener](l) {
				wrong("BaseContext", l)
			}
			return context.WithValue(context.Background(), key("base"), "b")
		},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if !is[*net.TCPConn](c) {
				wrong("ConnContext", c)
			}
			return context.WithValue(ctx, key("conn"), "c")
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			if !is[*net.TCPConn](c) {
				wrong("ConnState", c)
			}
			states <- s
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if b, c := ctx.Value(key("base")), ctx.Value(key("conn")); b != "b" || c != "c" {
				t.Errorf("values of the request: %v and %v, want b and c", b, c)
			}
			serve.Drain(ctx, errTest) // belongs to the program
			<-ctx.Done()              // lies inside its context
			var cut *serve.CutError
			if cause := context.Cause(ctx); !errors.As(cause, &cut) {
				t.Errorf("the cause of the request's context is %v, want a CutError", cause)
			}
		}),
	}
	s := &site{addr: l.Addr().String(), program: run(t, serve.Program{}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.HTTP(ctx, server, l)
	})}
	c := s.dial(t)
	c.send(t, get)
	c.answer(t)
	if err := s.wait(); serve.ExitCode(err) != 3 {
		t.Errorf("Run = %v, want a CutError", err)
	}
	for _, want := range []http.ConnState{http.StateNew, http.StateActive, http.StateClosed} {
		if got := <-states; got != want {
			t.Errorf("ConnState is called with %v, want %v", got, want)
		}
	}
}

// A listener that makes TLS connections is refused, because HTTP/2 would be lost in silence.
func TestTLSListener(t *testing.T) {
	t.Parallel()
	config, _ := testTLS(t, true)
	l := listen(t)
	wait := start(t, func() error {
		return serve.HTTP(context.Background(), &http.Server{}, tls.NewListener(l, config))
	})
	c := (&site{addr: l.Addr().String()}).dial(t)
	if err := wait(); err == nil || !strings.Contains(err.Error(), "set TLSConfig") {
		t.Errorf("HTTP = %v, want an error that says what to do", err)
	}
	c.Close()
}
