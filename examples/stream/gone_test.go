package main_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
	stream "github.com/trellis-go/trellis/examples/stream"
	"github.com/trellis-go/trellis/internal/proctest"
)

// leaving has jobs that last, and reports when each has begun and was canceled.
type leaving struct {
	begun chan struct{}
	ended chan time.Time
}

func newLeaving() *leaving {
	return &leaving{begun: make(chan struct{}, 100), ended: make(chan time.Time, 100)}
}

func (l *leaving) do(ctx context.Context, j stream.Job) (string, error) {
	if strings.HasPrefix(j.ID, "quick") {
		return j.ID, nil
	}
	l.begun <- struct{}{}
	err := deadline.Sleep(ctx, time.Hour)
	l.ended <- time.Now()
	return "", err
}

// wait waits for an event of a real server.
func wait[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing happens", what)
	}
	return v
}

// However a client leaves a real server, its jobs are canceled, and at once:
// the write timeout here is longer than the test's patience.
func TestLeave(t *testing.T) {
	ways := map[string]func(c *client) error{
		"close":       func(c *client) error { return c.ws.Close(websocket.StatusNormalClosure, "") },
		"no goodbye":  func(c *client) error { return c.conn.Close() },
		"half closed": func(c *client) error { return c.conn.(*net.TCPConn).CloseWrite() },
		"reset": func(c *client) error {
			return errors.Join(c.conn.(*net.TCPConn).SetLinger(0), c.conn.Close())
		},
		"nonsense": func(c *client) error {
			_, err := c.conn.Write(bytes.Repeat([]byte{0xff}, 100))
			return err
		},
		"unmasked": func(c *client) error {
			_, err := c.conn.Write([]byte{0x81, 0x02, '[', ']'})
			return err
		},
	}
	for name, leave := range ways {
		t.Run(name, func(t *testing.T) {
			l := newLeaving()
			h := loopback(t, stream.Settings{WriteTimeout: 2 * patience, Do: l.do})
			c := h.tab("a")
			c.press(jobs("x", 2))
			for range 2 {
				wait(t, "the jobs begin", l.begun)
			}
			if err := leave(c); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				wait(t, "the jobs end", l.ended)
			}
		})
	}
}

// A client that breaks the rules is closed with the status for that, and its run is
// canceled.
func TestViolations(t *testing.T) {
	frame := func(raw string) func(c *client) error {
		return func(c *client) error {
			_, err := c.conn.Write([]byte(raw))
			return err
		}
	}
	for name, test := range map[string]struct {
		send   func(c *client) error
		status websocket.StatusCode
		reason string
	}{
		"unmasked":                {frame("\x81\x02[]"), websocket.StatusProtocolError, "not a frame of a websocket client"},
		"unknown opcode":          {frame("\x83\x80\x00\x00\x00\x00"), websocket.StatusProtocolError, "opcode"},
		"fragmented ping":         {frame("\x09\x80\x00\x00\x00\x00"), websocket.StatusProtocolError, "fragmented"},
		"continuation of nothing": {frame("\x80\x80\x00\x00\x00\x00"), websocket.StatusProtocolError, "continuation"},
		"binary": {func(c *client) error {
			return c.ws.Write(t.Context(), websocket.MessageBinary, []byte("[]"))
		}, websocket.StatusUnsupportedData, "text"},
		"no UTF-8": {func(c *client) error { return c.send("[\"\xff\"]") }, websocket.StatusInvalidFramePayloadData, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLeaving()
			h := loopback(t, stream.Settings{WriteTimeout: 2 * patience, Do: l.do})
			c := h.tab("a")
			c.press(jobs("x", 1))
			wait(t, "the job begins", l.begun)
			if err := test.send(c); err != nil {
				t.Fatal(err)
			}
			wait(t, "the job ends", l.ended)
			c.closed(test.status, test.reason)
		})
	}
}

// A refresh is a leaving and a coming at the same time, in any order.
func TestRefresh(t *testing.T) {
	for _, oldFirst := range []bool{true, false} {
		l := newLeaving()
		h := loopback(t, stream.Settings{WriteTimeout: 2 * patience, Do: l.do})
		older := h.tab("a")
		older.press(jobs("x", 1))
		wait(t, "the job begins", l.begun)
		var newer *client
		if oldFirst {
			older.ws.Close(websocket.StatusGoingAway, "")
		}
		newer = h.tab("a")
		if !oldFirst {
			older.ws.Close(websocket.StatusGoingAway, "") // an error says that the server was first
		}
		wait(t, "the job ends", l.ended)
		newer.press(jobs("quick", 1))
		newer.expect(started(2, 1), result(2, "quick", 1), finished(2, 1))
	}
}

// A client that vanishes without a word, while nothing is sent to it, is
// missed within the write timeout: it does not answer a ping.
func TestVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving()
		h := piped(t, stream.Settings{Do: l.do})
		c := h.deaf("a")
		c.press(jobs("x", 1))
		if _, _, err := c.ws.Read(t.Context()); err != nil { // that it has started
			t.Fatal(err)
		}
		<-l.begun
		vanished := time.Now()
		go io.Copy(io.Discard, c.conn) // the network swallows everything
		if took := (<-l.ended).Sub(vanished); took <= 0 || took > 5*time.Second {
			t.Errorf("the job was canceled after %v, want at most 5s", took)
		}
	})
}

// A client that is there, but does not read, is cut off when a transmission
// has taken as long as it may, and not before.
func TestStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(proctest.Text)
		l := newLeaving()
		h := piped(t, stream.Settings{PingEvery: time.Hour, Do: l.do, Log: slog.NewTextHandler(log, nil)})
		c := h.deaf("a")
		c.press(`[{"id":"stays"},{"id":"quick"}]`)
		if _, _, err := c.ws.Read(t.Context()); err != nil { // that it has started
			t.Fatal(err)
		}
		<-l.begun
		stopped := time.Now()
		if took := (<-l.ended).Sub(stopped); took != 5*time.Second {
			t.Errorf("the job was canceled after %v, want 5s", took)
		}
		synctest.Wait() // the handler has returned
		if text := log.String(); !strings.Contains(text, "tab closed") || !strings.Contains(text, "too slow") {
			t.Errorf("the log says\n%swant a tab closed because it was too slow", text)
		}
	})
}

// A client that is known to have gone is not waited for, also if a
// transmission to it is under way: what it does not read will never be read.
func TestGoneDuringTransmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving()
		h := piped(t, stream.Settings{Do: l.do})
		c := h.deaf("a")
		c.press(jobs("x", 1))
		<-l.begun
		synctest.Wait() // the writer waits for the client to read
		begin := time.Now()
		c.conn.(*halfConn).up.Close()
		<-l.ended
		synctest.Wait() // the run has ended, with its writer
		if n, took := h.server.Clients(), time.Since(begin); n != 0 || took != 0 {
			t.Errorf("after %v the server remembers %d clients, want none at once", took, n)
		}
	})
}

// The same with real connections, whose buffers have to be full first.
func TestStopsReadingForReal(t *testing.T) {
	canceled := make(chan struct{}, 1)
	long := strings.Repeat("x", 1<<20)
	h := loopback(t, stream.Settings{WriteTimeout: 200 * time.Millisecond, PingEvery: time.Hour,
		Do: func(ctx context.Context, j stream.Job) (string, error) {
			if j.ID != "x/1" {
				return long, nil
			}
			<-ctx.Done()
			canceled <- struct{}{}
			return "", context.Cause(ctx)
		}})
	c := h.deaf("a")
	c.press(jobs("x", 100))
	wait(t, "the job is canceled", canceled)
}

// A press that comes in the middle of a transmission does not tear it: the
// message arrives whole, the connection stays open, and the next run begins after
// it.
func TestPressDuringTransmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving()
		h := piped(t, stream.Settings{Limit: 2, PingEvery: time.Hour, Do: l.do})
		c := h.deaf("a")
		c.press(`[{"id":"stays"},{"id":"quick"}]`)
		synctest.Wait() // a message is under way, half of it perhaps
		c.press(jobs("quick", 1))
		<-l.ended // canceled, all the same

		time.Sleep(4 * time.Second) // within the write timeout
		c.events = make(chan stream.Event, 100)
		go c.read()
		first := c.next() // what was under way
		if first != started(1, 2) {
			t.Errorf("message %+v, want %+v", first, started(1, 2))
		}
		c.expect(replaced(1, 2), started(2, 1), result(2, "quick", 1), finished(2, 1))
		c.ws.CloseNow()
		for range c.events {
		}
	})
}

// When the server shuts down, clients are closed with the reason, and their runs canceled.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving()
		h := piped(t, stream.Settings{Do: l.do})
		busy, idle := h.tab("busy"), h.tab("idle")
		busy.press(jobs("x", 3))
		busy.expect(started(1, 3))
		for range 3 {
			<-l.begun
		}
		begin := time.Now()
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if took := time.Since(begin); took > time.Second { // the server has a look every few milliseconds
			t.Errorf("shutting down took %v, want next to no time", took)
		}
		busy.closed(websocket.StatusGoingAway, "shutting down")
		idle.closed(websocket.StatusGoingAway, "shutting down")
		if n := len(l.ended); n != 3 {
			t.Errorf("%d jobs have ended, want 3", n)
		}
	})
}

// Whatever a client does, or does not do, it cannot hold up a shutdown for
// longer than the write timeout.
func TestShutdownStubborn(t *testing.T) {
	// A frame of which the end does not come.
	half := func(length uint64) []byte {
		frame := binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, length)
		return append(frame, 1, 2, 3, 4, 'x')
	}
	for name, act := range map[string]func(c *client){
		"does not read": func(c *client) {},
		"does not answer": func(c *client) {
			go io.Copy(io.Discard, c.conn)
		},
		"half a message": func(c *client) {
			go io.Copy(io.Discard, c.conn)
			c.conn.Write(half(100))
		},
		"an endless message": func(c *client) {
			go io.Copy(io.Discard, c.conn)
			c.conn.Write(half(1 << 60))
			go func() {
				for range 1000 {
					time.Sleep(10 * time.Millisecond)
					if _, err := c.conn.Write([]byte("x")); err != nil {
						return
					}
				}
			}()
		},
		"many messages": func(c *client) {
			go io.Copy(io.Discard, c.conn)
			go func() {
				for range 1000 {
					time.Sleep(10 * time.Millisecond)
					if c.send("[]") != nil {
						return
					}
				}
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := piped(t, stream.Settings{WriteTimeout: time.Second})
				c := h.deaf("a")
				act(c)
				time.Sleep(500 * time.Millisecond)
				begin := time.Now()
				if err := h.stop(); err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
				if took := time.Since(begin); took > time.Second {
					t.Errorf("shutting down took %v, want at most 1s", took)
				}
				c.conn.Close()
				time.Sleep(time.Second) // for what the client is still doing to end
			})
		})
	}
}
