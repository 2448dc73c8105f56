package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

var errNotListening = errors.New("stopped listening")

// limits are those that no flag sets.
type limits struct {
	silence time.Duration // a client that sends nothing for so long is taken to have ended
	linger  time.Duration // for a client to close its side, when the server has closed its own
	parting time.Duration // the same for a client that is cut off, and to send it what is owed

	// kept is how many failures of handlers are kept for the report at the end. All
	// are logged when they happen; a client that says boom for weeks must not fill
	// the memory with them.
	kept int
}

var defaultLimits = limits{
	silence: 100 * time.Millisecond,
	linger:  time.Second,
	parting: 100 * time.Millisecond,
	kept:    10_000,
}

// A server runs once. The fields are set before; what is counted may be read at any
// time.
type server struct {
	options
	limits
	log *slog.Logger

	// listening is around the accepting of connections. To cancel it is to begin
	// the end.
	listening cancelscope.Scope

	tally tally
}

// serve runs the server on l. It returns when listening has been canceled and all
// connections have ended. Those that are left after the grace period, or when ctx is
// done, are cut off, which takes no longer than the limit called parting. The
// listener is closed by then, and the error is a [*nursery.Error] with those of all
// handlers.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	connections := nursery.Config{
		Name:      "connections",
		Supervise: true, // one that fails does not cancel the others
		Panics:    nursery.ConvertPanics,
		OnPanic: func(p *nursery.PanicError) {
			s.log.Error("panic", "task", p.Task, "value", p.Value, "stack", string(p.Stack))
		},
		OnError: func(e *nursery.TaskError) { s.log.Debug("failed", "task", e.Task) }, // logged by handle
		Keep:    s.kept,
	}
	return connections.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.GoNamed("listener", func(ctx context.Context) error { return s.listen(ctx, n, l) })
		return nil
	})
}

// listen accepts connections until listening is canceled, or accepting fails, and then
// gives those that are open the grace period. It is a task, and not the body of the
// nursery: a failure of the body would cut the connections off.
//
// Connections that the kernel has made, and that have not been accepted when l is
// closed, are reset by the kernel, and so refused like those that come later:
// nothing that they sent has been read.
func (s *server) listen(ctx context.Context, n *nursery.Nursery, l net.Listener) (err error) {
	defer func() {
		l.Close()
		n.Scope().SetTimeout(s.grace)
		why := err
		if why == nil {
			why = s.listening.Cause()
		}
		s.log.Info("draining", "grace", s.grace, "open", s.tally.counts().open(), "because", why)
	}()
	return s.listening.Run(ctx, func(ctx context.Context) error { return s.accept(ctx, n, l) })
}

// accept starts a task for each connection. The tasks get its context as well, which is
// done when accepting ends: the server is draining then.
func (s *server) accept(ctx context.Context, n *nursery.Nursery, l net.Listener) error {
	var pause time.Duration
	for {
		conn, err := deadline.Accept(ctx, l)
		switch {
		case err == nil:
			pause = 0
			name := fmt.Sprintf("connection %d from %v", s.tally.accept(), conn.RemoteAddr())
			n.GoNamed(name, func(handler context.Context) error {
				return s.handle(handler, ctx, name, conn)
			})
		case cancelscope.IsCancellation(ctx, err):
			return err
		case errors.Is(err, net.ErrClosed), errors.Is(err, errors.ErrUnsupported):
			return fmt.Errorf("%w: %w", errNotListening, err)
		default:
			// Most likely there are too many open files, and some will be closed.
			// It is no reason to close the connections that work.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Error("cannot accept", "err", err, "next", pause)
			if err := deadline.Sleep(ctx, pause); err != nil {
				return err
			}
		}
	}
}

// handle is the task of one connection.
func (s *server) handle(ctx, draining context.Context, name string, conn net.Conn) error {
	c := newClient(ctx, conn, s.maxLine, s.limits)
	log := s.log.With("task", name)
	log.Debug("connected")
	result, err := s.attend(ctx, draining, c)

	attrs := []any{"lines", c.lines}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	if n := len(c.owed) + len(c.notice); n > 0 {
		attrs = append(attrs, "unsent", n)
	}
	log.Log(ctx, result.level(err), result.String(), attrs...)
	if result == gone {
		return nil
	}
	return err
}

// attend serves a client, closes the connection, and counts how it ended.
func (s *server) attend(ctx, draining context.Context, c *client) (result outcome, err error) {
	result = failed // also if it comes to a panic
	defer func() {
		c.conn.Close()
		s.tally.end(result, c.lines)
	}()
	err = c.echo(ctx, draining)
	c.part(ctx)
	switch {
	case err == nil:
		result = served
	case cancelscope.IsCancellation(ctx, err):
		result = cut
	case brokeOff(err):
		result = gone
	}
	return result, err
}
