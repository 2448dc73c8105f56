package deadline_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A bellListener accepts a connection for every byte that is written to its bell. It
// has the deadlines of a pipe.
type bellListener struct {
	*fakeConn
	bell net.Conn
}

func (l *bellListener) Addr() net.Addr { return l.LocalAddr() }

func (l *bellListener) Accept() (net.Conn, error) {
	b := make([]byte, 1)
	if _, err := l.Read(b); err != nil {
		return nil, err
	}
	return &visitor{id: b[0]}, nil
}

type visitor struct {
	net.Conn
	id byte
}

func listenBell(t *testing.T) *bellListener {
	near, far := pipe(t)
	return &bellListener{near, far}
}

func (l *bellListener) ring(id byte) { l.bell.Write([]byte{id}) }

type accepted struct {
	c   net.Conn
	err error
}

func (a accepted) want(t *testing.T, call string, id byte, err error) {
	t.Helper()
	v, _ := a.c.(*visitor)
	if a.err != err || (err == nil) != (a.c != nil) || v != nil && v.id != id {
		t.Errorf("%s: got (%v, %v), want (visitor %d, %v)", call, a.c, a.err, id, err)
	}
}

func startAccept(ctx context.Context, l net.Listener) <-chan accepted {
	done := make(chan accepted, 1)
	go func() {
		c, err := deadline.Accept(ctx, l)
		done <- accepted{c, err}
	}()
	return done
}

func TestAccept(t *testing.T) {
	bubbletest.Run(t, "interrupted", func(t *testing.T) {
		l := listenBell(t)
		ctx, cancel := cancelable(t, "enough")
		done := startAccept(ctx, l)
		synctest.Wait() // Accept is blocked
		l.wantLog(t)
		reason := cancel()
		(<-done).want(t, "Accept", 0, reason)
		l.wantLog(t, "both past", "both none")
		done = startAccept(t.Context(), l)
		l.ring(1)
		(<-done).want(t, "Accept after that", 1, nil)
		if got := deadline.Uses(); got != 0 {
			t.Errorf("%d uses left", got)
		}
	})
	bubbletest.Run(t, "done before", func(t *testing.T) {
		l := listenBell(t)
		go l.ring(1)
		synctest.Wait() // a connection waits
		ctx, cancel := cancelable(t, "enough")
		reason := cancel()
		(<-startAccept(ctx, l)).want(t, "Accept", 0, reason)
		(<-startAccept(t.Context(), l)).want(t, "Accept after that", 1, nil)
	})
	bubbletest.Run(t, "deadline of the listener", func(t *testing.T) {
		l := listenBell(t)
		l.SetDeadline(time.Now().Add(time.Second))
		ctx := &ledgerContext{Context: t.Context()}
		if _, err := deadline.Accept(ctx, l); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Accept: got %v, want the timeout of the listener", err)
		}
		l.SetDeadline(time.Now().Add(time.Second))
		done := startAccept(ctx, l)
		synctest.Wait() // Accept is blocked
		ctx.expire()
		(<-done).want(t, "Accept, both deadlines passed", 0, context.DeadlineExceeded)
	})
	bubbletest.Run(t, "misuse", func(t *testing.T) {
		var none context.Context
		bubbletest.CheckPanics(t, "Accept(nil, l)", "deadline: Accept with a nil context: ", func() { deadline.Accept(none, listenBell(t)) })
		bubbletest.CheckPanics(t, "Accept(ctx, nil)", "deadline: Accept with a nil listener: ", func() { deadline.Accept(t.Context(), nil) })
	})
}

// A listenerFunc is a listener without deadlines, or with those of a fakeConn.
type listenerFunc struct {
	net.Listener
	accept func() (net.Conn, error)
}

func (l *listenerFunc) Accept() (net.Conn, error) { return l.accept() }

type fakeListener struct {
	listenerFunc
	fakeConn
}

func (l *fakeListener) Accept() (net.Conn, error) { return l.accept() }
func (l *fakeListener) Close() error              { return nil }

func TestAcceptErrors(t *testing.T) {
	timeout := &net.OpError{Op: "accept", Net: "tcp", Err: os.ErrDeadlineExceeded}
	ctx, cancel := cancelable(t, "enough")
	var reason error
	late := func(c net.Conn, err error) net.Listener {
		l := &fakeListener{}
		l.accept = func() (net.Conn, error) {
			reason = cancel()
			return c, err
		}
		return l
	}
	c, err := deadline.Accept(ctx, late(&visitor{id: 1}, nil))
	accepted{c, err}.want(t, "Accept, canceled at the last moment", 1, nil)
	for _, test := range []struct{ inner, want error }{
		{timeout, reason},
		{net.ErrClosed, net.ErrClosed},
	} {
		ctx, cancel = cancelable(t, "enough")
		_, err := deadline.Accept(ctx, late(nil, test.inner))
		if test.inner == timeout {
			test.want = reason
		}
		wantSame(t, "Accept, canceled, of a listener that returns "+test.inner.Error(), err, test.want)
	}
}

// A listener without deadlines would block for ever.
func TestAcceptUnsupported(t *testing.T) {
	l := &listenerFunc{accept: func() (net.Conn, error) {
		t.Error("Accept called on a listener without deadlines")
		return nil, nil
	}}
	canceled, cancel := cancelable(t, "enough")
	cancel()
	for _, ctx := range []context.Context{t.Context(), canceled} {
		_, err := deadline.Accept(ctx, l)
		want := "deadline: Accept on a *deadline_test.listenerFunc, which has no SetDeadline: unsupported operation"
		if !errors.Is(err, errors.ErrUnsupported) || err.Error() != want {
			t.Errorf("Accept: got %v, want %s", err, want)
		}
	}
}

func TestAcceptTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listenBell(t)
		one, cancelOne := cancelable(t, "one")
		two, cancelTwo := cancelable(t, "two")
		first := startAccept(one, l)
		synctest.Wait() // the first is blocked in the listener
		second := startAccept(two, l)
		third := startAccept(t.Context(), l)
		synctest.Wait() // the others wait for their turns
		if got := deadline.Uses(); got != 1 {
			t.Errorf("three calls of Accept on one listener: %d uses, want 1", got)
		}
		reason := cancelTwo()
		(<-second).want(t, "second Accept", 0, reason)
		l.wantLog(t) // the first has not been disturbed
		reason = cancelOne()
		(<-first).want(t, "first Accept", 0, reason)
		l.ring(3)
		(<-third).want(t, "third Accept", 3, nil)
		l.wantLog(t, "both past", "both none")
	})
}

// Whatever is canceled, every connection is accepted by exactly one of the callers.
func TestAcceptStress(t *testing.T) {
	const acceptors, total = 4, 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	s := newStress(t, acceptors+1)
	var all sync.WaitGroup
	var seen [total]atomic.Int64
	read := func(c net.Conn) {
		defer c.Close()
		b := make([]byte, 1)
		if _, err := c.Read(b); err != nil {
			t.Errorf("seed %d: Read: %v", s.seed, err)
		}
		seen[b[0]].Add(1)
	}
	var accepted atomic.Int64
	for _, p := range s.players[1:] {
		all.Go(func() {
			for accepted.Load() < total {
				ctx := p.next()
				p.strike()
				c, err := deadline.Accept(ctx, l)
				switch {
				case err == nil:
					accepted.Add(1)
					all.Go(func() { read(c) })
				case err == context.Canceled:
				case accepted.Load() == total && errors.Is(err, net.ErrClosed):
				default:
					t.Errorf("seed %d: Accept: %v", s.seed, err)
					return
				}
				if accepted.Load() == total {
					l.Close()
				}
			}
		})
	}
	all.Go(func() {
		for i := range byte(total) {
			s.players[0].strike()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Errorf("seed %d: Dial: %v", s.seed, err)
				l.Close()
				return
			}
			c.Write([]byte{i})
			c.Close()
		}
	})
	all.Wait()
	s.strikes.Wait()
	for id := range seen {
		if n := seen[id].Load(); n != 1 {
			t.Errorf("seed %d: connection %d accepted %d times, want once", s.seed, id, n)
		}
	}
	if got := deadline.Uses(); got != 0 {
		t.Errorf("seed %d: %d uses left", s.seed, got)
	}
}
