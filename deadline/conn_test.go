package deadline_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// perMethod runs a test for Read and for Write, each in a bubble.
func perMethod(t *testing.T, test func(t *testing.T, m method)) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, m) })
		})
	}
}

func TestConnInterruptsBlockedCalls(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, _ := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		done := start(m.call(c), make([]byte, 4))
		synctest.Wait() // the call is blocked
		near.wantLog(t)
		reason := cancel()
		wantResult(t, m.name, <-done, 0, reason)
		near.wantLog(t, m.log+"past", m.log+"none")
		n, err := m.call(c)(make([]byte, 4))
		wantResult(t, "second "+m.name, result{n: n, err: err}, 0, reason)
		near.wantLog(t) // it failed before it blocked
	})
}

// Each call is interrupted, whatever has become of those before.
func TestConnInterruptsOneCallAfterAnother(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, far := pipe(t)
		c := deadline.Conn(t.Context(), near)
		for i := range 10 {
			ctx, cancel := cancelable(t, "enough")
			done := start(m.call(deadline.Conn(ctx, c)), make([]byte, 4))
			synctest.Wait() // the call is blocked
			if i%5 > 2 {
				reason := cancel()
				wantResult(t, m.name, <-done, 0, reason)
				continue
			}
			peer := start(m.other().call(far), make([]byte, 4))
			wantResult(t, m.name+", not canceled", <-done, 4, nil)
			<-peer
		}
	})
}

// A connection holds no context under which calls have ended.
func TestConnLetsGoOfContexts(t *testing.T) {
	type value [100]byte
	type key struct{}
	near := &fakeConn{read: func(b []byte) (int, error) { return len(b), nil }}
	c := deadline.Conn(t.Context(), near)
	held := func() weak.Pointer[value] {
		v := new(value)
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, v))
		defer cancel()
		n, err := deadline.Conn(ctx, c).Read(make([]byte, 4))
		wantResult(t, "Read", result{n: n, err: err}, 4, nil)
		return weak.Make(v)
	}()
	for range 10 {
		if runtime.GC(); held.Value() == nil {
			break
		}
	}
	if held.Value() != nil {
		t.Error("a connection holds the context of a call that has ended, want it to let go")
	}
	runtime.KeepAlive(c)
}

func TestConnFailsAtTheDeadlineOfItsScope(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, _ := pipe(t)
		began := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(3 * time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			n, err := m.call(deadline.Conn(ctx, near))(make([]byte, 4))
			wantResult(t, m.name, result{n: n, err: err}, 0, context.Cause(ctx))
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s under a limit of 3s returned after %v", m.name, took)
			}
			return err
		})
		if err != nil || !s.CanceledCaught() {
			t.Errorf("Run: got %v, caught %v; want <nil>, true", err, s.CanceledCaught())
		}
	})
}

func TestConnAfterCancellationDoesNotTouchTheConnection(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		unexpected := func([]byte) (int, error) {
			t.Errorf("%s reached the connection under a context that is done", m.name)
			return 0, nil
		}
		near := &fakeConn{read: unexpected, write: unexpected}
		ctx, cancel := cancelable(t, "enough")
		reason := cancel()
		n, err := m.call(deadline.Conn(ctx, near))(make([]byte, 4))
		wantResult(t, m.name, result{n: n, err: err}, 0, reason)

		// The clock alone says that this one is done.
		late := &ledgerContext{Context: t.Context()}
		late.expire()
		n, err = m.call(deadline.Conn(late, near))(nil)
		wantResult(t, m.name, result{n: n, err: err}, 0, context.DeadlineExceeded)
		near.wantLog(t)
	})
}

// A Read that has got data returns them however late it is.
func TestConnDataWin(t *testing.T) {
	for _, inner := range []error{nil, os.ErrDeadlineExceeded} {
		ctx, cancel := cancelable(t, "enough")
		near := &fakeConn{}
		near.read = func(b []byte) (int, error) {
			cancel()
			return copy(b, "data"), inner
		}
		c := deadline.Conn(ctx, near)
		b := make([]byte, 10)
		n, err := c.Read(b)
		if string(b[:n]) != "data" || err != nil {
			t.Errorf("Read of 4 bytes with %v: got %q, %v; want %q, <nil>", inner, b[:n], err, "data")
		}
		n, err = c.Read(b)
		wantResult(t, "Read after that", result{n: n, err: err}, 0, context.Cause(ctx))
	}
}

func TestConnPartialWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		done := start(deadline.Conn(ctx, near).Write, []byte("hello"))
		if _, err := io.ReadFull(far, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // Write waits for a reader of the last two bytes
		reason := cancel()
		wantResult(t, "Write of 5 bytes, 3 of them read", <-done, 3, reason)
		done = start(deadline.Conn(t.Context(), near).Write, []byte("p!"))
		b := make([]byte, 2)
		if _, err := io.ReadFull(far, b); err != nil || string(b) != "p!" {
			t.Errorf("Read of what was written after: got %q, %v; want %q", b, err, "p!")
		}
		wantResult(t, "Write after that", <-done, 2, nil)
	})
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "too late" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func TestConnErrors(t *testing.T) {
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	vanished := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	if !vanished.Timeout() {
		t.Fatalf("%v is no timeout: this test shows nothing", vanished)
	}
	var reason error = &namedError{"enough"}
	for _, test := range []struct {
		inner         error
		canceled, not error // what is returned under a context that is done, and under one that is not
	}{
		{io.EOF, io.EOF, io.EOF},
		{net.ErrClosed, net.ErrClosed, net.ErrClosed},
		{vanished, vanished, vanished},
		{timeout, reason, timeout},
		{timeoutError{}, reason, timeoutError{}},
		{context.Canceled, context.Canceled, context.Canceled},
		{context.DeadlineExceeded, context.DeadlineExceeded, context.DeadlineExceeded},
		{nil, nil, nil},
	} {
		for _, m := range methods {
			ctx, cancel := context.WithCancelCause(t.Context())
			var during func()
			op := func([]byte) (int, error) {
				during()
				return 0, test.inner
			}
			c := deadline.Conn(ctx, &fakeConn{read: op, write: op})
			during = func() {}
			if _, err := m.call(c)(nil); err != test.not {
				t.Errorf("%s, connection returns %v: got %v, want %v", m.name, test.inner, err, test.not)
			}
			during = func() { cancel(reason) }
			if _, err := m.call(c)(nil); err != test.canceled {
				t.Errorf("%s, canceled meanwhile, connection returns %v: got %v, want %v", m.name, test.inner, err, test.canceled)
			}
		}
	}
}

func TestConnBindsToTheNewContextAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		cancel()
		err := cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error {
			done := start(far.Read, make([]byte, 3))
			if n, err := deadline.Conn(ctx, c).Write([]byte("bye")); n != 3 || err != nil {
				t.Errorf("Write under a shield: got %d, %v; want 3, <nil>", n, err)
			}
			wantResult(t, "Read of the peer", <-done, 3, nil)
			_, err := deadline.Conn(ctx, c).Read(nil)
			return err
		})
		if _, ok := err.(*deadline.TooSlowError); !ok {
			t.Errorf("Shield around a Read that blocks: got %v, want a TooSlowError", err)
		}
		free := deadline.Conn(context.Background(), c)
		done := start(free.Read, make([]byte, 3))
		if n, err := far.Write([]byte("bye")); n != 3 || err != nil {
			t.Errorf("Write of the peer: got %d, %v; want 3, <nil>", n, err)
		}
		wantResult(t, "Read under context.Background()", <-done, 3, nil)
		for _, w := range []net.Conn{c, free} {
			if got := netConn(w); got != near {
				t.Errorf("NetConn: got %v, want the connection inside", got)
			}
			if w.LocalAddr() != near.LocalAddr() || w.RemoteAddr() != near.RemoteAddr() {
				t.Errorf("addresses: got %v, %v", w.LocalAddr(), w.RemoteAddr())
			}
		}
	})
}

// Calls under different contexts do not disturb each other.
func TestConnTurns(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, far := pipe(t)
		one, cancelOne := cancelable(t, "one")
		two, cancelTwo := cancelable(t, "two")
		c := deadline.Conn(one, near)
		first := start(m.call(c), make([]byte, 4))
		synctest.Wait() // the first call is blocked in the connection
		second := start(m.call(deadline.Conn(two, c)), make([]byte, 4))
		third := start(m.call(deadline.Conn(t.Context(), c)), make([]byte, 4))
		synctest.Wait() // the others wait for their turns

		reason := cancelTwo()
		wantResult(t, m.name+", waiting", <-second, 0, reason)
		near.wantLog(t) // the one that is blocked has not been disturbed

		reason = cancelOne()
		wantResult(t, m.name+", blocked", <-first, 0, reason)
		synctest.Wait() // the third call is blocked in the connection
		near.wantLog(t, m.log+"past", m.log+"none")
		if m.name == "Read" {
			far.Write(make([]byte, 4))
		} else {
			io.ReadFull(far, make([]byte, 4))
		}
		wantResult(t, m.name+", after the others", <-third, 4, nil)
	})
}

// The turn comes at the moment at which the clock says that the context is done.
func TestConnTurnComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		late := &ledgerContext{Context: t.Context()}
		c := deadline.Conn(t.Context(), near)
		first := start(c.Read, make([]byte, 4))
		synctest.Wait() // the first call is blocked in the connection
		second := start(deadline.Conn(late, c).Read, make([]byte, 4))
		synctest.Wait() // the second waits for its turn
		late.expire()
		far.Write([]byte("data"))
		wantResult(t, "first Read", <-first, 4, nil)
		wantResult(t, "second Read", <-second, 0, context.DeadlineExceeded)
		first = start(c.Read, make([]byte, 4))
		far.Write([]byte("more"))
		wantResult(t, "third Read", <-first, 4, nil)
	})
}

func TestConnClose(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, _ := pipe(t)
		c := deadline.Conn(t.Context(), near)
		first := start(m.call(c), make([]byte, 4))
		second := start(m.call(c), make([]byte, 4))
		synctest.Wait() // one is blocked in the connection, the other waits for its turn
		ctx, cancel := cancelable(t, "enough")
		cancel()
		if err := deadline.Conn(ctx, c).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wantResult(t, m.name+" while Close", <-first, 0, io.ErrClosedPipe)
		wantResult(t, m.name+" while Close", <-second, 0, io.ErrClosedPipe)
		n, err := m.call(c)(make([]byte, 4))
		wantResult(t, m.name+" after Close", result{n: n, err: err}, 0, io.ErrClosedPipe)
	})
}

// A panic in the connection leaves it usable.
func TestConnPanic(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, _ := pipe(t)
		ctx := &ledgerContext{Context: t.Context()}
		bad := func([]byte) (int, error) { panic("bad") }
		near.read, near.write = bad, bad
		c := deadline.Conn(ctx, near)
		func() {
			defer func() {
				if got := recover(); got != "bad" {
					t.Errorf("%s: got panic %v, want bad", m.name, got)
				}
			}()
			m.call(c)(nil)
		}()
		near.read, near.write = nil, nil
		m.set(c)(time.Now())
		if _, err := m.call(c)(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s after a panic: got %v, want a timeout", m.name, err)
		}
		if got := ctx.registered.Load(); got != 0 {
			t.Errorf("%d registrations left after a panic", got)
		}
	})
}

func TestConnMisuse(t *testing.T) {
	var none context.Context
	bubbletest.CheckPanics(t, "Conn(nil, c)", "deadline: Conn with a nil context: ", func() { deadline.Conn(none, &fakeConn{}) })
	bubbletest.CheckPanics(t, "Conn(ctx, nil)", "deadline: Conn with a nil connection: ", func() { deadline.Conn(t.Context(), nil) })
}
