package main

import (
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

	"github.com/coder/websocket"
	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

const (
	maxReaders = 1000 // at a time
	maxAck     = 20   // bytes: the digits of an int64
)

// A server sends numbered messages to whoever connects to it.
type server struct {
	size     int           // bytes of a message
	patience time.Duration // how long a reader may show no sign of life
	slots    *semaphore.Weighted
	log      *slog.Logger
	board    board
}

func newServer(o options, log *slog.Logger) *server {
	return &server{size: o.size, patience: o.patience, slots: semaphore.NewWeighted(maxReaders), log: log}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	if !s.slots.TryAcquire(1) {
		http.Error(w, "too many readers", http.StatusServiceUnavailable)
		return
	}
	defer s.slots.Release(1)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()

	a := s.board.open(visible(r.URL.Query().Get("name"), nameWidth))
	s.log.Info("reader has connected", "reader", a.name, "from", r.RemoteAddr)
	err = s.serve(r.Context(), conn, a)
	last := s.board.close(a, s.describe(r.Context(), err))
	s.log.Info("reader has ended", "reader", last.name, "end", last.end, "sent", last.sent,
		"longest-block", last.longest.Round(time.Millisecond))
}

// serve sends to one reader until the connection ends, however it does.
//
// All its tasks are under one limit, which every acknowledgment and every pong
// puts off. A deadline.FailAfter around each ping would do where little is sent.
// Here a ping stands behind all that was sent before, and a reader that is
// merely slow answers it when it has got that far, which may take longer than one
// wants to wait for a dead one.
func (s *server) serve(ctx context.Context, conn *websocket.Conn, a *account) error {
	life := &cancelscope.Scope{Name: "signs of life", Extendable: true}
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
			return c.send(ctx, s.size)
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
// is all it takes to hold this task back, and nobody else.
func (c *connection) send(ctx context.Context, size int) error {
	message := []byte(strings.Repeat(".", size))
	for n := int64(1); ; n++ {
		digits := len(strconv.AppendInt(message[:0], n, 10))
		message[digits] = ' '
		c.account.begin()
		if err := c.Write(ctx, websocket.MessageText, message); err != nil {
			return consequence(ctx, err)
		}
		c.account.done()
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
// A reader that acknowledges is asked no more. There is always something that it
// has not acknowledged yet, so it owes a sign of life anyway, and a ping would
// do harm: package websocket closes the connection if it cannot write a ping
// within five seconds, behind a Write that may be blocked for longer than that
// by a reader which is slow, but there.
func (c *connection) ping(ctx context.Context, every time.Duration) error {
	for {
		if err := deadline.Sleep(ctx, every); err != nil {
			return err
		}
		if c.account.acknowledges() {
			return nil
		}
		if err := c.Ping(ctx); err != nil {
			return consequence(ctx, err)
		}
		c.alive()
	}
}

// consequence returns what a task is to return if the connection has failed it.
// Where this side has closed the connection that is no news: it was closed
// because ctx is done, which is the reason then, or because of what another task
// has met with and returns itself. Without this it would depend on a race which
// of the tasks names its error first.
func consequence(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// describe says how a connection has ended, in the words of the table.
func (s *server) describe(ctx context.Context, err error) string {
	if task, ok := errors.AsType[*nursery.TaskError](err); ok {
		err = task.Err // of the first task that failed
	}
	closing, isClose := errors.AsType[websocket.CloseError](err)
	_, isSlow := errors.AsType[*deadline.TooSlowError](err)
	switch {
	case ctx.Err() != nil:
		return "server stopped"
	case isClose:
		return visible(fmt.Sprintf("closed with %d %s", closing.Code, closing.Reason), endWidth)
	case isSlow:
		return fmt.Sprintf("cut off: silent for %v", s.patience)
	case isLoss(err):
		return "broke off"
	case err == nil:
		return "closed"
	}
	return visible("cut off: "+err.Error(), endWidth)
}

// isLoss reports whether err says that the other side has broken off, or closed
// the connection, at any moment.
func isLoss(err error) bool {
	_, isNet := errors.AsType[*net.OpError](err)
	_, isClose := errors.AsType[websocket.CloseError](err)
	return isNet || isClose || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// smallBuffers is a listener whose connections have small send buffers, so that
// a sender is blocked soon after its reader has stopped. The buffers of the
// system can take many megabytes before anybody notices.
type smallBuffers struct {
	net.Listener
	size int // 0: the system's
}

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok && l.size > 0 {
		// Where it cannot be set, blocking just comes later.
		t.SetWriteBuffer(l.size)
	}
	return c, err
}
