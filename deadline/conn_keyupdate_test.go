package deadline_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// perSide runs a test in a bubble for the client and for the server of a TLS 1.3 connection
// whose peer asks for something that must be answered, and reads nothing. The connection c
// is blocked in nothing yet.
func perSide(t *testing.T, test func(t *testing.T, near *fakeConn, c *tls.Conn, peer *tlsPeer)) {
	t.Helper()
	for name, isClient := range map[string]bool{"client": true, "server": false} {
		bubbletest.Run(t, name, func(t *testing.T) {
			near, far := pipe(t)
			c, peer := handshakeWithPeer(t, near, far, tls.VersionTLS13, isClient)
			test(t, near, c, peer)
		})
	}
}

// A peer that asks for a key update, and does not read the answer, does not keep a block
// with a time limit from ending.
func TestKeyUpdateDoesNotOutlastALimit(t *testing.T) {
	perSide(t, func(t *testing.T, _ *fakeConn, inner *tls.Conn, peer *tlsPeer) {
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				c := deadline.Conn(ctx, inner)
				lines := make(chan []byte)
				n.Go(func(context.Context) error {
					_, err := io.Copy(io.Discard, c)
					return err
				})
				n.Go(func(ctx context.Context) error {
					select {
					case line := <-lines:
						_, err := c.Write(line)
						return err
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				})
				return peer.requestKeyUpdate()
			})
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %t, %v, want true, nil", expired, err)
		}
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
		wantCloses(t, deadline.Conn(t.Context(), inner), 5*time.Second)
	})
}

// wantCloses checks, in a bubble, that Close takes no longer than that.
func wantCloses(t *testing.T, c net.Conn, limit time.Duration) {
	t.Helper()
	start := time.Now()
	c.Close()
	if took := time.Since(start); took > limit {
		t.Errorf("Close took %v, want at most %v", took, limit)
	}
}

// A Read is interrupted in whatever it writes.
func TestReadIsInterruptedWhileItWrites(t *testing.T) {
	for name, ask := range map[string]func(*tlsPeer) error{
		"key update": (*tlsPeer).requestKeyUpdate,
		"alert":      (*tlsPeer).sendBadRecord,
	} {
		t.Run(name, func(t *testing.T) {
			perSide(t, func(t *testing.T, near *fakeConn, inner *tls.Conn, peer *tlsPeer) {
				ctx, cancel := cancelable(t, "enough")
				c := deadline.Conn(ctx, inner)
				done := start(c.Read, make([]byte, 10))
				if err := ask(peer); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // Read writes its answer, and is blocked
				near.wantLog(t)
				reason := cancel()
				got := <-done
				if name == "alert" { // the reason for the alert is a real error
					if got.n != 0 || got.err == nil || got.err == reason || errors.Is(got.err, os.ErrDeadlineExceeded) {
						t.Errorf("Read of a bad record: got (%d, %v), want 0 and the reason of the alert", got.n, got.err)
					}
				} else {
					wantResult(t, "Read", got, 0, reason)
				}
				wantReadInterrupted(t, near)
				wantCloses(t, c, 5*time.Second)
			})
		})
	}
}

// Interrupt on a wrapper interrupts a Read of it that writes.
func TestInterruptOfAReadThatWrites(t *testing.T) {
	perSide(t, func(t *testing.T, _ *fakeConn, inner *tls.Conn, peer *tlsPeer) {
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(context.Background(), inner)
		done := begin(func() error { return deadline.Interrupt(ctx, c, readFull(c, 1)) })
		if err := peer.requestKeyUpdate(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // op is blocked
		reason := cancel()
		wantSame(t, "Interrupt", <-done, reason)
		wantCloses(t, c, 5*time.Second)
	})
}

// Close ends a Read that writes to a peer that does not read.
func TestCloseEndsAReadThatWrites(t *testing.T) {
	for _, ask := range []func(*tlsPeer) error{(*tlsPeer).requestKeyUpdate, (*tlsPeer).sendBadRecord} {
		perSide(t, func(t *testing.T, _ *fakeConn, inner *tls.Conn, peer *tlsPeer) {
			c := deadline.Conn(t.Context(), inner)
			done := start(c.Read, make([]byte, 10))
			if err := ask(peer); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // Read writes its answer, and is blocked
			wantCloses(t, c, 5*time.Second)
			if got := <-done; got.n != 0 || got.err == nil {
				t.Errorf("Read of a connection that was closed: got (%d, %v), want 0 and an error", got.n, got.err)
			}
			if _, err := c.Write([]byte("data")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after Close: got %v, want net.ErrClosed", err)
			}
		})
	}
}

// Close sends its alert as the connection does, if the peer reads it within five seconds.
func TestCloseSendsAnAlert(t *testing.T) {
	perSide(t, func(t *testing.T, _ *fakeConn, inner *tls.Conn, peer *tlsPeer) {
		c := deadline.Conn(t.Context(), inner)
		closed := begin(c.Close)
		time.Sleep(4 * time.Second)
		alert, err := io.ReadAll(peer)
		if len(alert) < 5 || len(alert) != 5+int(alert[4]) || err != nil {
			t.Errorf("Read of the peer: got % x, %v, want the record of an alert", alert, err)
		}
		wantSame(t, "Close", <-closed, nil)
	})
}

// An interrupted Read leaves alone a Write of another goroutine, and the connection is as
// good as before.
func TestInterruptedReadDoesNotDisturbAWrite(t *testing.T) {
	perSide(t, func(t *testing.T, near *fakeConn, inner *tls.Conn, peer *tlsPeer) {
		c := deadline.Conn(t.Context(), inner)
		ctx, cancel := cancelable(t, "enough")
		read := start(deadline.Conn(ctx, c).Read, make([]byte, 10))
		write := start(c.Write, []byte("data"))
		synctest.Wait() // both are blocked
		reason := cancel()
		wantResult(t, "Read", <-read, 0, reason)
		synctest.Wait() // nothing of the interruption is left
		near.wantLog(t, "read past", "read none")
		go peer.drain()
		wantResult(t, "Write", <-write, 4, nil)

		// Without a Write the interruption takes the turn of the writers.
		for range 20 {
			ctx, cancel = cancelable(t, "enough")
			read = start(deadline.Conn(ctx, c).Read, make([]byte, 10))
			synctest.Wait() // Read is blocked
			reason = cancel()
			wantResult(t, "Read", <-read, 0, reason)
			n, err := c.Write([]byte("data"))
			wantResult(t, "Write after an interrupted Read", result{n: n, err: err}, 4, nil)
			wantReadInterrupted(t, near)
		}
		read = start(c.Read, make([]byte, 10))
		if err := peer.requestKeyUpdate(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // Read has answered, and waits for data
		c.Close()
		if got := <-read; !errors.Is(got.err, io.ErrClosedPipe) {
			t.Errorf("Read and Close: got %v, want io.ErrClosedPipe", got.err)
		}
	})
}

// handshakeOutside makes a connection and its peer outside of a bubble, for tests in which
// a Read or Write waits for a mutex of the TLS connection.
func handshakeOutside(t *testing.T) (c *tls.Conn, peer *tlsPeer) {
	near, far := net.Pipe()
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return handshakeWithPeer(t, near, far, tls.VersionTLS13, true)
}

// A Read and a Write that are canceled together end, whichever of them has the lock of the
// TLS connection.
func TestKeyUpdateDuringAWrite(t *testing.T) {
	for i := range 100 {
		inner, peer := handshakeOutside(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, inner)
		go peer.requestKeyUpdate()
		read, write := start(c.Read, make([]byte, 10)), start(c.Write, []byte("data"))
		for range i {
			runtime.Gosched()
		}
		reason := cancel()
		wantResult(t, "Read", <-read, 0, reason)
		if got := <-write; got.err != reason {
			t.Errorf("Write: got (%d, %v), want %v", got.n, got.err, reason)
		}
		peer.Close() // so that Close does not wait for it
		c.Close()
	}
}

// A Read that has to write waits for a Write under a context that is not done, and does not
// cut it.
func TestKeyUpdateDuringAWriteUnderAnotherContext(t *testing.T) {
	for range 20 {
		inner, peer := handshakeOutside(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(t.Context(), inner)
		write := start(c.Write, make([]byte, 1000))
		if _, err := io.ReadFull(peer, make([]byte, 1)); err != nil { // Write is blocked in the middle
			t.Fatal(err)
		}
		read := start(deadline.Conn(ctx, c).Read, make([]byte, 10))
		if err := peer.requestKeyUpdate(); err != nil {
			t.Fatal(err)
		}
		reason := cancel()
		for range 100 {
			runtime.Gosched()
		}
		go peer.drain()
		wantResult(t, "Write", <-write, 1000, nil)
		wantResult(t, "Read", <-read, 0, reason)
		peer.Close()
		c.Close()
	}
}
