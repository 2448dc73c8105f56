package deadline_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// The user's own deadline passes at the very time at which the clock says that the
// context is done, and no timer has fired.
func TestConnBothDeadlines(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		near, _ := pipe(t)
		ctx := &ledgerContext{Context: t.Context()}
		c := deadline.Conn(ctx, near)
		if err := m.set(c)(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		done := start(m.call(c), make([]byte, 4))
		synctest.Wait() // the call is blocked
		ctx.expire()
		wantResult(t, m.name, <-done, 0, context.DeadlineExceeded)
		near.wantLog(t, m.log+"future")
	})
}

func TestConnRestoresTheDeadline(t *testing.T) {
	for _, m := range methods {
		bubbletest.Run(t, m.name, func(t *testing.T) {
			near, _ := pipe(t)
			ctx, cancel := cancelable(t, "enough")
			c := deadline.Conn(ctx, near)
			began := time.Now()
			if err := m.set(c)(began.Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			done := start(m.call(c), make([]byte, 4))
			time.Sleep(time.Second)
			reason := cancel()
			wantResult(t, m.name, <-done, 0, reason)
			near.wantLog(t, m.log+"future", m.log+"past", m.log+"future")

			_, err := m.call(deadline.Conn(t.Context(), c))(make([]byte, 4))
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 10*time.Second {
				t.Errorf("%s with a deadline at 10s: got %v after %v", m.name, err, time.Since(began))
			}
		})
	}
}

// A deadline that is set during an interruption counts after it, and does not end it.
func TestConnDeadlineSetDuringAnInterruption(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		release := make(chan struct{})
		stubborn := func([]byte) (int, error) {
			<-release
			return 0, os.ErrDeadlineExceeded
		}
		near := &fakeConn{read: stubborn, write: stubborn}
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		done := start(m.call(c), nil)
		synctest.Wait() // the call is blocked
		reason := cancel()
		synctest.Wait() // it is being interrupted
		near.wantLog(t, m.log+"past")
		if err := m.set(c)(time.Now().Add(time.Hour)); err != nil {
			t.Errorf("setting a deadline during an interruption: %v", err)
		}
		near.wantLog(t)
		close(release)
		wantResult(t, m.name, <-done, 0, reason)
		near.wantLog(t, m.log+"future")
	})
}

func TestConnSetDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := pipe(t)
		c := deadline.Conn(t.Context(), near)
		if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		near.wantLog(t, "read future", "write future")
		for _, m := range methods {
			if _, err := m.call(c)(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: got %v, want a timeout", m.name, err)
			}
		}
		// A deadline in the past interrupts a blocked call, as it always does.
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		done := start(c.Read, make([]byte, 1))
		synctest.Wait() // Read is blocked
		if err := c.SetDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := <-done; !errors.Is(got.err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: got %v, want a timeout", got.err)
		}
	})
}

// Whichever direction refuses its deadline, the other one gets it.
func TestConnSetDeadlineErrors(t *testing.T) {
	for _, m := range methods {
		near := &halfBroken{broken: m.name}
		c := deadline.Conn(t.Context(), near)
		if err := c.SetDeadline(time.Time{}); err != errors.ErrUnsupported {
			t.Errorf("SetDeadline, refused by the direction of %s: got %v, want %v", m.name, err, errors.ErrUnsupported)
		}
		if near.set != 1 {
			t.Errorf("SetDeadline, refused by the direction of %s: %d deadlines set, want 1", m.name, near.set)
		}
	}
}

// A halfBroken connection refuses the deadlines of one direction.
type halfBroken struct {
	net.Conn
	broken string
	set    int
}

func (c *halfBroken) SetReadDeadline(time.Time) error  { return c.direction("Read") }
func (c *halfBroken) SetWriteDeadline(time.Time) error { return c.direction("Write") }

func (c *halfBroken) direction(name string) error {
	if c.broken == name {
		return errors.ErrUnsupported
	}
	c.set++
	return nil
}

// Without working deadlines nothing is interrupted, and nothing is lost.
func TestConnWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		near.broken = errors.ErrUnsupported
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		for _, set := range []func(time.Time) error{c.SetDeadline, c.SetReadDeadline, c.SetWriteDeadline} {
			if err := set(time.Now()); err != near.broken {
				t.Errorf("setting a deadline: got %v, want %v", err, near.broken)
			}
		}
		near.took()
		done := start(c.Read, make([]byte, 10))
		synctest.Wait() // Read is blocked
		reason := cancel()
		synctest.Wait() // and not interrupted
		far.Write([]byte("late"))
		wantResult(t, "Read", <-done, 4, nil)
		near.wantLog(t, "read past", "read none") // not the deadlines that were refused
		n, err := c.Read(make([]byte, 10))
		wantResult(t, "Read after that", result{n: n, err: err}, 0, reason)
	})
}

// A ticking connection remembers its deadlines, without a lock of its own, and gives other
// goroutines time while it does.
type ticking struct {
	net.Conn
	read, write time.Time
}

func (c *ticking) SetReadDeadline(t time.Time) error {
	runtime.Gosched()
	c.read = t
	runtime.Gosched()
	return nil
}

func (c *ticking) SetWriteDeadline(t time.Time) error {
	runtime.Gosched()
	c.write = t
	runtime.Gosched()
	return nil
}

func (*ticking) Read([]byte) (int, error)  { return 0, os.ErrDeadlineExceeded }
func (*ticking) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// Deadlines that are set at the same time, and during interruptions, come one after
// another: the last one that was set is restored. The race detector would notice as well.
func TestConnDeadlinesSetTogether(t *testing.T) {
	base := time.Now().Add(time.Hour)
	for name, set := range map[string]func(net.Conn, time.Time) error{
		"SetDeadline":      net.Conn.SetDeadline,
		"SetReadDeadline":  net.Conn.SetReadDeadline,
		"SetWriteDeadline": net.Conn.SetWriteDeadline,
	} {
		t.Run(name, func(t *testing.T) {
			for range 1000 {
				near := &ticking{}
				c := deadline.Conn(t.Context(), near)
				var all sync.WaitGroup
				for i := range 8 {
					all.Go(func() { set(c, base.Add(time.Duration(i)*time.Minute)) })
				}
				all.Go(func() { interruptOnce(t, c) })
				all.Wait()
				last := *near
				interruptOnce(t, c)
				for _, d := range []struct{ set, restored time.Time }{{last.read, near.read}, {last.write, near.write}} {
					if !d.restored.Equal(d.set) || !d.set.IsZero() && d.set.Before(base) {
						t.Fatalf("deadline %v after an interruption, want %v, which was set last", d.restored, d.set)
					}
				}
			}
		})
	}
}

// interruptOnce has both directions of c interrupted.
func interruptOnce(t *testing.T, c net.Conn) {
	ctx, cancel := context.WithCancel(t.Context())
	err := deadline.Interrupt(ctx, c, func() error {
		cancel()
		for range 10 {
			runtime.Gosched()
		}
		return nil
	})
	if err != nil {
		t.Errorf("Interrupt of a success: got %v, want nil", err)
	}
}
