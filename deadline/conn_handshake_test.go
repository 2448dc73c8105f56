package deadline_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// other returns the method that m is not.
func (m method) other() method {
	if m.name == "Read" {
		return methods[1]
	}
	return methods[0]
}

// A call that waits for the handshake that another one makes can be canceled, and the
// handshake continues.
func TestHandshakeOfAnotherCall(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, far := pipe(t)
		client, server := secure(t, near, far)
		ctx, cancel := cancelable(t, "enough")
		late := &ledgerContext{Context: t.Context()}
		c := deadline.Conn(t.Context(), client)
		first := start(m.other().call(c), []byte("data"))
		synctest.Wait() // it makes the handshake, and the peer does not answer
		second := start(m.call(deadline.Conn(ctx, c)), []byte("data"))
		synctest.Wait() // it waits for the handshake
		third := start(m.call(deadline.Conn(late, c)), []byte("data"))
		synctest.Wait() // it waits, behind the second
		fourth := start(m.call(c), []byte("data"))
		synctest.Wait() // it waits, behind the third
		reason := cancel()
		wantResult(t, m.name+" that waits for a handshake", <-second, 0, reason)
		near.wantLog(t)
		late.expire()

		if err := server.Handshake(); err != nil {
			t.Fatalf("handshake after a call that waited for it was canceled: %v", err)
		}
		wantResult(t, m.name+" whose time has passed", <-third, 0, context.DeadlineExceeded)
		if got := late.registered.Load(); got != 0 {
			t.Errorf("%d registrations left", got)
		}
		b := make([]byte, 4)
		if n, err := server.Read(b); string(b[:n]) != "data" || err != nil {
			t.Errorf("Read of the peer: got %q, %v, want %q", b[:n], err, "data")
		}
		if n, err := server.Write(b); n != 4 || err != nil {
			t.Errorf("Write of the peer: got %d, %v, want 4, nil", n, err)
		}
		wantResult(t, m.other().name+" that made the handshake", <-first, 4, nil)
		wantResult(t, m.name+" that waited for it", <-fourth, 4, nil)
	})
}

// A handshake that fails fails every call, and one that panics leaves the turns free.
func TestHandshakeFails(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		real := errors.New("real")
		fail := make(chan bool)
		near := &polite{handshake: func(context.Context) error {
			if <-fail {
				panic(real)
			}
			return real
		}}
		c := deadline.Conn(t.Context(), near)
		for range 2 {
			func() {
				defer func() {
					if got := recover(); got != real {
						t.Errorf("%s with a handshake that panics: got panic %v, want %v", m.name, got, real)
					}
				}()
				go func() { fail <- true }()
				m.call(c)(nil)
			}()
		}
		first, second := start(m.call(c), nil), start(m.other().call(c), nil)
		synctest.Wait() // one makes the handshake, the other one waits
		fail <- false
		fail <- false
		wantResult(t, m.name, <-first, 0, real)
		wantResult(t, m.other().name, <-second, 0, real)
	})
}

// A polite connection that renegotiates makes another handshake while it reads.
func renegotiating(t *testing.T) (near *polite, resume func()) {
	var handshakes atomic.Int32
	proceed := make(chan struct{})
	near = &polite{handshake: func(ctx context.Context) error {
		if handshakes.Add(1) > 1 {
			if ctx.Done() != nil {
				t.Error("a call waits for a renegotiation under a context that can be done, and that closes the connection")
			}
			<-proceed
		}
		return nil
	}}
	near.read = func(b []byte) (int, error) {
		<-proceed
		return len(b), nil
	}
	near.write = func(b []byte) (int, error) { return len(b), nil }
	return near, func() { close(proceed) }
}

// A Write that waits for a renegotiation can be canceled, and disturbs nothing.
func TestRenegotiationOfARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, resume := renegotiating(t)
		late := &ledgerContext{Context: t.Context()}
		c := deadline.Conn(t.Context(), near)
		before := runtime.NumGoroutine()
		n, err := c.Write(make([]byte, 4))
		wantResult(t, "Write, without a Read", result{n: n, err: err}, 4, nil)
		read := start(c.Read, make([]byte, 4))
		synctest.Wait() // Read renegotiates
		for range 3 {
			ctx, cancel := cancelable(t, "enough")
			write := start(deadline.Conn(ctx, c).Write, make([]byte, 4))
			synctest.Wait() // it waits
			reason := cancel()
			wantResult(t, "Write during a renegotiation", <-write, 0, reason)
		}
		write := start(deadline.Conn(late, c).Write, make([]byte, 4))
		buffers := net.Buffers{make([]byte, 2), make([]byte, 2)}
		other := start(func([]byte) (int, error) {
			n, err := c.(buffersWriter).WriteBuffers(&buffers)
			return int(n), err
		}, nil)
		synctest.Wait() // they wait
		if got := runtime.NumGoroutine() - before; got > 4 {
			t.Errorf("three calls during a renegotiation: %d goroutines, want one more at most", got)
		}
		near.wantLog(t)
		resume()
		wantResult(t, "Read", <-read, 4, nil)
		wantResult(t, "Write after the renegotiation", <-write, 4, nil)
		wantResult(t, "WriteBuffers after the renegotiation", <-other, 4, nil)
	})
}

// The failure of a renegotiation is that of a Write that waited for it.
func TestRenegotiationFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := errors.New("real")
		near, resume := renegotiating(t)
		first := near.handshake
		var failed atomic.Bool
		near.handshake = func(ctx context.Context) error {
			if err := first(ctx); err != nil || !failed.Load() {
				return err
			}
			return real
		}
		c := deadline.Conn(t.Context(), near)
		read := start(c.Read, make([]byte, 4))
		synctest.Wait() // Read renegotiates
		write := start(c.Write, make([]byte, 4))
		synctest.Wait() // Write waits
		failed.Store(true)
		resume()
		wantResult(t, "Write", <-write, 0, real)
		wantResult(t, "Read", <-read, 4, nil)
		n, err := c.Write(make([]byte, 4)) // without a Read there is nothing to wait for
		wantResult(t, "second Write", result{n: n, err: err}, 4, nil)
	})
}

// A stated connection says which version of TLS it has, or something else.
type stated[S any] struct {
	*polite
	state S
}

func (c stated[S]) ConnectionState() S { return c.state }

// A connection of TLS 1.3 does not renegotiate, so that a Write does not look for that.
func TestRenegotiationByVersion(t *testing.T) {
	type unlike struct{ Version string }
	type version struct{ Version uint16 }
	for _, test := range []struct {
		name string
		of   func(*polite) net.Conn
		want int32 // handshakes that are asked for
	}{
		{"no state", func(c *polite) net.Conn { return c }, 2},
		{"TLS 1.3", func(c *polite) net.Conn {
			return stated[tls.ConnectionState]{c, tls.ConnectionState{Version: tls.VersionTLS13}}
		}, 1},
		{"TLS 1.2", func(c *polite) net.Conn {
			return stated[tls.ConnectionState]{c, tls.ConnectionState{Version: tls.VersionTLS12}}
		}, 2},
		{"another package", func(c *polite) net.Conn { return stated[version]{c, version{tls.VersionTLS13}} }, 1},
		{"a string", func(c *polite) net.Conn { return stated[string]{c, "TLS 1.3"} }, 2},
		{"another struct", func(c *polite) net.Conn { return stated[unlike]{c, unlike{"1.3"}} }, 2},
		{"no version", func(c *polite) net.Conn { return stated[struct{}]{c, struct{}{}} }, 2},
		{"an argument", func(c *polite) net.Conn { return queried{c} }, 2},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			var handshakes atomic.Int32
			proceed := make(chan struct{})
			near := &polite{handshake: func(context.Context) error { handshakes.Add(1); return nil }}
			near.read = func(b []byte) (int, error) { <-proceed; return len(b), nil }
			near.write = func(b []byte) (int, error) { return len(b), nil }
			c := deadline.Conn(t.Context(), test.of(near))
			read := start(c.Read, make([]byte, 4))
			synctest.Wait() // Read waits
			n, err := c.Write(make([]byte, 4))
			wantResult(t, "Write", result{n: n, err: err}, 4, nil)
			n, err = deadline.Conn(context.Background(), c).Write(make([]byte, 4))
			wantResult(t, "Write that cannot be canceled", result{n: n, err: err}, 4, nil)
			close(proceed)
			wantResult(t, "Read", <-read, 4, nil)
			if got := handshakes.Load(); got != test.want {
				t.Errorf("Read, and Write meanwhile: %d handshakes asked for, want %d", got, test.want)
			}
		})
	}
}

// A queried connection has a method that is called like that of a tls.Conn.
type queried struct{ *polite }

func (queried) ConnectionState(int) tls.ConnectionState { return tls.ConnectionState{} }

// renegotiate makes a client of TLS 1.2, whose handshake is made, and its server. It is
// outside of a bubble, because a Write waits for a mutex of the TLS connection.
func renegotiate(t *testing.T) (client *tls.Conn, server *tlsPeer) {
	near, far := net.Pipe()
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return handshakeWithPeer(t, near, far, tls.VersionTLS12, true)
}

// A TLS 1.2 server that asks a client for renegotiation, and goes silent, does not keep a
// Write from being canceled. A Read that is interrupted then ends the connection.
func TestRenegotiationWithASilentServer(t *testing.T) {
	for i := range 20 {
		inner, peer := renegotiate(t)
		c := deadline.Conn(t.Context(), inner)
		readCtx, cancelRead := cancelable(t, "reading")
		writeCtx, cancelWrite := cancelable(t, "writing")
		read := start(deadline.Conn(readCtx, c).Read, make([]byte, 4))
		if err := peer.requestRenegotiation(); err != nil {
			t.Fatal(err)
		}
		hello := make([]byte, 1000)
		if n, err := peer.Read(hello); err != nil || n < 5 || hello[0] != recordHandshake {
			t.Fatalf("Read of the peer: got % x, %v, want a handshake record", hello[:n], err)
		}
		write := start(deadline.Conn(writeCtx, c).Write, []byte("data"))
		for range i {
			runtime.Gosched()
		}
		reason := cancelWrite()
		wantResult(t, "Write during a renegotiation", <-write, 0, reason)
		for range i {
			runtime.Gosched()
		}
		if len(read) > 0 {
			t.Errorf("Read has ended with %v because a Write was canceled", (<-read).err)
		}

		reason = cancelRead()
		wantResult(t, "Read during a renegotiation", <-read, 0, reason)
		for _, m := range methods {
			if _, err := m.call(c)(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s after an interrupted renegotiation: got %v, want a timeout", m.name, err)
			}
		}
		c.Close()
	}
}

// A Read that renegotiates and is interrupted while it writes does not hang, either.
func TestRenegotiationWithAServerThatDoesNotRead(t *testing.T) {
	for i := range 20 {
		inner, peer := renegotiate(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, inner)
		read := start(c.Read, make([]byte, 4))
		if err := peer.requestRenegotiation(); err != nil {
			t.Fatal(err)
		}
		for range i {
			runtime.Gosched()
		}
		write := start(c.Write, make([]byte, 4))
		for range i {
			runtime.Gosched()
		}
		reason := cancel()
		wantResult(t, "Read during a renegotiation", <-read, 0, reason)
		wantResult(t, "Write during a renegotiation", <-write, 0, reason)
		c.Close()
	}
}

// strict is a connection whose Close waits until nothing blocks in a write.
type strict struct {
	polite
	past chan struct{} // closed when the write deadline is in the past
}

func (c *strict) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		close(c.past)
	}
	return nil
}

func (c *strict) Close() error { <-c.past; return io.ErrUnexpectedEOF }

// A handshake that waits for Close can be canceled.
func TestHandshakeDuringClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		near := &slow{proceed: proceed}
		near.handshake = func(context.Context) error {
			t.Error("a handshake is made while Close is in progress")
			return nil
		}
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		closed := begin(c.Close)
		synctest.Wait() // Close is blocked
		read := start(c.Read, make([]byte, 4))
		write := start(c.Write, make([]byte, 4))
		synctest.Wait() // they wait
		reason := cancel()
		wantResult(t, "Read", <-read, 0, reason)
		wantResult(t, "Write", <-write, 0, reason)
		close(proceed)
		wantSame(t, "Close", <-closed, nil)
		near.wantLog(t, "write past", "write none")
	})
}

// slow is a connection whose Close takes time.
type slow struct {
	polite
	proceed chan struct{}
}

func (c *slow) Close() error { <-c.proceed; return nil }

// Close sets the write deadline when no Write is in progress any more, and not before: a
// Write that is in progress is cut by the Close of the connection itself.
func TestCloseDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		near := &strict{past: make(chan struct{})}
		near.handshake = func(context.Context) error { return nil }
		near.write = func(b []byte) (int, error) { <-proceed; return len(b), nil }
		c := deadline.Conn(t.Context(), near)
		write := start(c.Write, make([]byte, 4))
		synctest.Wait() // Write is blocked
		closed := begin(c.Close)
		synctest.Wait() // and so is Close
		select {
		case <-near.past:
			t.Error("Close has set a write deadline during a Write")
		case err := <-closed:
			t.Fatalf("Close = %v, want it to wait", err)
		default:
		}
		close(proceed)
		wantResult(t, "Write", <-write, 4, nil)
		wantSame(t, "Close", <-closed, io.ErrUnexpectedEOF)
	})
}
