package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// echo sends every line back.
func echo(ctx context.Context, c net.Conn) error {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF && line == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %q: %w", line, err)
		}
		if _, err := io.WriteString(c, line); err != nil {
			return err
		}
	}
}

func serveConns(t *testing.T, p serve.Program, limit int, handle func(ctx context.Context, c net.Conn) error) *site {
	t.Helper()
	l := listen(t)
	return &site{addr: l.Addr().String(), program: run(t, p, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.Conns(ctx, l, limit, handle)
	})}
}

// wantLine sends a line and checks that it comes back.
func (c *client) wantLine(t *testing.T, line string) {
	t.Helper()
	c.wantReply(t, line, line)
}

func (c *client) wantReply(t *testing.T, text, reply string) {
	t.Helper()
	c.send(t, text)
	if got, err := c.r.ReadString('\n'); got != reply || err != nil {
		t.Errorf("the reply to %q is %q, %v, want %q", text, got, err, reply)
	}
}

// In a drain, a client in the middle of a line may finish it, and idle ones are closed.
func TestConnsDrain(t *testing.T) {
	t.Parallel()
	s := serveConns(t, serve.Program{Grace: patience}, nursery.NoLimit, echo)
	fresh, idle, busy := s.dial(t), s.dial(t), s.dial(t)
	idle.wantLine(t, "one\n")
	busy.wantLine(t, "one\n")
	busy.send(t, "tw")
	after(t, 50*time.Millisecond) // so that it has been read
	serve.Drain(s.ctx, nil)
	idle.wantEnd(t)
	fresh.wantEnd(t)
	busy.wantReply(t, "o\n", "two\n")
	busy.wantEnd(t)
	s.wantEnd(t, nil)
}

// What comes while an idle connection takes the last look is still answered.
func TestConnsLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		err := serve.Program{Grace: patience, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.Conns(ctx, l, nursery.NoLimit, echo) })
			inner, err := l.dial(ctx, "", "")
			if err != nil {
				return err
			}
			c := newClient(t, inner)
			c.wantLine(t, "one\n")
			serve.Drain(ctx, nil)
			time.Sleep(99 * time.Millisecond) // the look takes 100
			c.wantLine(t, "two\n")
			c.wantEnd(t)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// Connections are served up to the limit. More wait in the kernel, and are served later;
// in a drain those beyond the limit are closed and counted.
func TestConnsLimit(t *testing.T) {
	t.Parallel()
	var lines record
	s := serveConns(t, serve.Program{Grace: patience, Log: lines.logger()}, 2, echo)
	one, two := s.dial(t), s.dial(t)
	one.wantLine(t, "one\n")
	two.wantLine(t, "two\n")
	three, four := s.dial(t), s.dial(t) // made by the kernel
	three.send(t, "three\n")
	three.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if line, err := three.r.ReadString('\n'); err == nil {
		t.Errorf("beyond the limit a connection is served: %q", line)
	}
	three.SetReadDeadline(time.Now().Add(patience))
	one.Close()
	if got, err := three.r.ReadString('\n'); got != "three\n" || err != nil {
		t.Errorf("a connection that has waited gets %q, %v, want three", got, err)
	}
	two.send(t, "half") // keeps its place in the drain
	three.send(t, "half")
	after(t, 50*time.Millisecond)
	serve.Drain(s.ctx, nil)
	four.wantEnd(t)
	two.wantReply(t, "\n", "half\n")
	three.Close()
	s.wantEnd(t, nil)
	if !strings.Contains(lines.String(), "refused=1") {
		t.Errorf("log:\n%s\nwant the connection that was refused", &lines)
	}
}

// A drain that has begun before serves what the kernel has accepted.
func TestConnsAfterTheDrain(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &site{addr: l.Addr().String()}
	clients := []*client{s.dial(t), s.dial(t), s.dial(t)}
	for _, c := range clients {
		c.send(t, "hello\n")
	}
	s.program = run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		serve.Drain(ctx, nil)
		return serve.Conns(ctx, l, nursery.NoLimit, echo)
	})
	for _, c := range clients {
		if got, err := c.r.ReadString('\n'); got != "hello\n" || err != nil {
			t.Errorf("the reply is %q, %v, want hello", got, err)
		}
		c.wantEnd(t)
	}
	s.wantEnd(t, nil)
}

// An error, and a panic, end one connection, and are logged. A cancellation is not.
func TestConnFails(t *testing.T) {
	t.Parallel()
	var lines record
	s := serveConns(t, serve.Program{Grace: time.Millisecond, Log: lines.logger()}, 10, func(ctx context.Context, c net.Conn) error {
		line, err := bufio.NewReader(c).ReadString('\n')
		switch line {
		case "error\n":
			return errTest
		case "panic\n":
			panic("bad")
		}
		return err // the cancellation
	})
	other := s.dial(t)
	other.send(t, "x")
	for _, line := range []string{"error\n", "panic\n"} {
		c := s.dial(t)
		c.send(t, line)
		c.wantEnd(t)
	}
	after(t, 20*time.Millisecond)
	serve.Drain(s.ctx, nil)
	if err := s.wait(); !errors.As(err, new(*serve.CutError)) {
		t.Errorf("Run = %v, want a CutError", err)
	}
	got := lines.String()
	for want, n := range map[string]int{
		`level=WARN msg="connection failed" task="from 127.0.0.1" error=test`: 1,
		`level=ERROR msg="connection failed"`:                                 1,
		`msg="connection failed"`:                                             2,
	} {
		if strings.Count(got, want) != n {
			t.Errorf("log:\n%s\nwant %d times %s", got, n, want)
		}
	}
}

// An error of the listener is returned as it is, and cancels the connections.
func TestConnsAcceptFails(t *testing.T) {
	t.Parallel()
	err := serve.Conns(t.Context(), broken{listen(t), errTest}, 10, echo)
	if err != errTest {
		t.Errorf("Conns = %v (%T), want the error of Accept as it is", err, err)
	}
}

// A listener without SetDeadline is served as well.
func TestConnsOfOtherListeners(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &site{addr: l.Addr().String(), program: run(t, serve.Program{Grace: patience}, func(ctx context.Context, n *nursery.Nursery) error {
		return serve.Conns(ctx, struct{ net.Listener }{l}, 10, echo)
	})}
	c := s.dial(t)
	c.wantLine(t, "one\n")
	serve.Drain(s.ctx, nil)
	c.wantEnd(t)
	s.wantEnd(t, nil)
}

// Deadlines of the handler keep their meaning in a drain.
func TestConnDeadlines(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	result := make(chan error, 1)
	s := serveConns(t, serve.Program{Grace: patience}, 10, func(ctx context.Context, c net.Conn) error {
		p := make([]byte, 10)
		if _, err := c.Read(p); err != nil { // a byte of a request
			return err
		}
		<-draining
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := c.Read(p)
		result <- err
		c.SetDeadline(time.Now().Add(patience))
		_, err = c.Read(p)
		return err
	})
	c := s.dial(t)
	c.send(t, "x")
	after(t, 20*time.Millisecond)
	serve.Drain(s.ctx, nil)
	after(t, 20*time.Millisecond)
	close(draining)
	var timeout net.Error
	if err := <-result; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Read with a deadline of its own = %v, want a timeout", err)
	}
	c.send(t, "y")
	s.wantEnd(t, nil)
}

// The connection of the listener can be reached, as the documentation shows.
func TestConnsRawConnection(t *testing.T) {
	t.Parallel()
	s := serveConns(t, serve.Program{Grace: patience}, 10, func(ctx context.Context, c net.Conn) error {
		raw := c.(interface{ NetConn() net.Conn }).NetConn().(interface{ NetConn() net.Conn }).NetConn()
		if _, ok := raw.(*net.TCPConn); !ok {
			t.Errorf("the connection of the listener is a %T, want a *net.TCPConn", raw)
		}
		return nil
	})
	s.dial(t).wantEnd(t)
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
}
