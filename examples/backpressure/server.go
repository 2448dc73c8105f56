package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

const (
	maxAck      = 20       // bytes: the digits of an int64
	messageSize = 32 << 10 // bytes

	// bufferSize is that of the sockets at both ends. It is small, so that a sender is
	// blocked soon after its reader has stopped: the system's would take megabytes.
	bufferSize = 32 << 10
)

// A server sends numbered messages to every client that connects.
type server struct {
	patience time.Duration // how long a reader may show no sign of life
	log      *slog.Logger
	board    board
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		http.Error(w, "name: must be printable", http.StatusBadRequest) // the table may be on a terminal
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	a := s.board.open(cmp.Or(name, r.RemoteAddr))
	defer s.board.close(a)
	s.log.Info("reader has connected", "reader", a.name)
	// The drain ends the connection: accept is canceled, and that is no error.
	err = serve.UntilDrain(r.Context(), func(accept, _ context.Context) error { return s.serve(accept, conn, a) })
	last := a.row()
	s.log.Info("reader has ended", "reader", a.name, "end", s.describe(err),
		"sent", last.sent, "blocked", last.blocked.Round(time.Millisecond))
}

// serve sends to one reader until the connection ends, however it does.
//
// All its tasks are under one limit, which every acknowledgment and every pong puts off.
// A limit for each ping would cut off readers that are merely slow: a ping stands behind
// all that was sent before.
func (s *server) serve(ctx context.Context, conn *websocket.Conn, a *account) error {
	life := &cancelscope.Scope{Name: "signs of life", Adjustable: true}
	life.SetTimeout(s.patience)
	c := &connection{
		Conn:    conn,
		account: a,
		alive:   func() { life.SetTimeout(s.patience) },
	}
	return deadline.FailScope(ctx, life, func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("listen", c.listen)
			n.GoNamed("ping", func(ctx context.Context) error { return c.ping(ctx, s.patience/3) })
			return c.send(ctx)
		})
	})
}

// A connection is one reader as its tasks see it.
type connection struct {
	*websocket.Conn
	account *account
	alive   func() // to be called at each sign of life
}

// send sends one message after another. There is no queue between what makes
// the messages and what writes them: it would always be full, and the messages
// in it would only grow old. Write blocks while the reader takes nothing, which
// holds this task back, and no other.
func (c *connection) send(ctx context.Context) error {
	message := []byte(strings.Repeat(".", messageSize))
	for n := int64(1); ; n++ {
		digits := len(strconv.AppendInt(message[:0], n, 10))
		message[digits] = ' '
		c.account.begin(n)
		if err := c.Write(ctx, websocket.MessageText, message); err != nil {
			return consequence(ctx, err)
		}
	}
}

// listen receives the numbers of the messages that the reader has taken. It is
// also what receives pongs and close frames, and notices the end of the
// connection: package websocket does that in calls of Read only.
func (c *connection) listen(ctx context.Context) error {
	c.SetReadLimit(maxAck)
	for {
		_, text, err := c.Read(ctx)
		if err != nil {
			return consequence(ctx, err)
		}
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return fmt.Errorf("acknowledgment %q is no number", text)
		}
		if err := c.account.ack(n); err != nil {
			return err
		}
		c.alive()
	}
}

// ping asks the reader for signs of life until it acknowledges messages, as any
// websocket client answers pings, and nothing else is expected of one.
//
// One that acknowledges is asked no more: package websocket closes the connection if it
// cannot write a ping within five seconds, behind a Write which a slow reader may block
// for longer than that.
func (c *connection) ping(ctx context.Context, every time.Duration) error {
	for {
		if err := deadline.Sleep(ctx, every); err != nil {
			return err
		}
		if c.account.row().buffered >= 0 {
			return nil
		}
		if err := c.Ping(ctx); err != nil {
			return consequence(ctx, err)
		}
		c.alive()
	}
}

// consequence returns what a task is to return if the connection has failed it. Where this
// side has closed it, that was because ctx is done, or because of what another task
// returns. Without this it would depend on a race which of the tasks is first.
func consequence(ctx context.Context, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, net.ErrClosed):
		return nil
	}
	return err
}

// describe says how a connection has ended.
func (s *server) describe(err error) string {
	err = nursery.First(err)
	closed, isClose := errors.AsType[websocket.CloseError](err)
	_, isSlow := errors.AsType[*deadline.TooSlowError](err)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return "server stopped"
	case isClose:
		return strings.TrimSpace(fmt.Sprintf("closed with %d %s", closed.Code, closed.Reason))
	case isSlow:
		return fmt.Sprintf("cut off: silent for %v", s.patience)
	case isLoss(err):
		return "broke off"
	}
	return fmt.Sprintf("cut off: %v", err)
}

// isLoss reports whether err says that the other side has broken off, or closed
// the connection, at any moment.
func isLoss(err error) bool {
	_, isNet := errors.AsType[*net.OpError](err)
	_, isClose := errors.AsType[websocket.CloseError](err)
	return isNet || isClose || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// smallBuffers is a listener whose connections have send buffers of bufferSize.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		// Where it cannot be set, blocking just comes later.
		t.SetWriteBuffer(bufferSize)
	}
	return c, err
}
