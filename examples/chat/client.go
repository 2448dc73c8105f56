package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/textsocket"
	"github.com/trellis-go/trellis/nursery"
)

// partLimit is how long a client that leaves may take to send that to the hub. It
// takes microseconds, unless something is very wrong.
const partLimit = 5 * time.Second

// A client is one websocket of a user: a tab of a browser.
type client struct {
	user   user
	conn   *websocket.Conn
	hub    *hub
	limits limits
	mail   *mail
	scope  *cancelscope.Scope // of its nursery; set before it joins

	// wire is the scope in which the connection is read and written. It is
	// shielded, because the websocket library cuts the connection when the
	// context of a Read or Write is done: with the context of the nursery, the
	// reason could not be sent to a client that has to leave.
	wire cancelscope.Scope
}

func newClient(u user, conn *websocket.Conn, h *hub, limits limits) *client {
	conn.SetReadLimit(maxMessage)
	return &client{user: u, conn: conn, hub: h, limits: limits, mail: newMail(limits.mailbox)}
}

// run joins, and returns when the client has left and its connection is
// closed. If the client leaves because the context server is done, that is no
// error.
func (c *client) run(server context.Context) error {
	c.wire.SetShield(true)
	err := c.wire.Run(server, func(wire context.Context) error {
		defer c.conn.CloseNow() // unless it is closed already
		// Inside server, not wire: the tasks end with the handler.
		return nursery.Config{Name: "client"}.Run(server, func(ctx context.Context, n *nursery.Nursery) error {
			c.scope = n.Scope()
			if err := c.hub.send(ctx, event{from: c, kind: typeJoin}); err != nil {
				c.goodbye(c.why(ctx, server))
				return err
			}
			slog.Info("joined", "user", c.user.Name, "id", c.user.ID)
			n.GoNamed("reader", func(ctx context.Context) error { return c.read(ctx, wire) })
			n.GoNamed("postman", c.carry)
			n.GoNamed("writer", func(ctx context.Context) error { return c.write(ctx, wire) })
			n.GoNamed("pinger", func(ctx context.Context) error { return c.ping(ctx, wire) })

			<-ctx.Done() // a task has called end, or server is done
			why := c.why(ctx, server)
			err := c.part(ctx, why)
			c.goodbye(why)
			return err
		})
	})
	if cancelscope.IsCancellation(server, err) {
		return nil
	}
	return err
}

// part sends the other clients the news that c has left. Its scope has been
// canceled, so that without the shield the Send would fail, and the other clients
// would never learn of it.
func (c *client) part(ctx context.Context, why *farewell) error {
	level := slog.LevelInfo
	if !why.usual {
		level = slog.LevelWarn
	}
	slog.Log(ctx, level, "left", "user", c.user.Name, "id", c.user.ID, "why", why)
	return c.hub.shield(ctx, partLimit, func(ctx context.Context) error {
		return c.hub.send(ctx, event{from: c, kind: typePart})
	})
}

// goodbye sends the client the reason, and waits for its answer. From now on the
// connection has a deadline. It ends Close, if there is no answer, and the writer
// task, if the client does not read and Close cannot even begin.
func (c *client) goodbye(why *farewell) {
	c.wire.SetTimeout(c.limits.farewell)
	c.conn.Close(why.code, why.reason) // fails if the client has gone
}

// end makes the client leave. Only the first call counts. To leave is no failure,
// so end cancels the nursery's scope, and no task returns an error.
func (c *client) end(why *farewell) { c.scope.Cancel(why) }

// why returns why the nursery with the context ctx was canceled.
func (c *client) why(ctx, server context.Context) *farewell {
	var why *farewell
	cause := context.Cause(ctx)
	switch {
	case errors.As(cause, &why):
		return why
	case server.Err() != nil:
		return &farewell{code: websocket.StatusGoingAway, reason: "the server is shutting down", usual: true}
	}
	return &farewell{code: websocket.StatusInternalError, reason: "internal error", err: cause}
}

// read is the task that reads what the client says.
func (c *client) read(ctx, wire context.Context) error {
	for {
		data, err := textsocket.Read(wire, c.conn, maxMessage)
		if err != nil {
			c.end(readFarewell(err))
			return nil
		}
		text, bad := parseMessage(data)
		if bad != nil {
			c.end(bad)
			return nil
		}
		if err := c.hub.send(ctx, event{from: c, kind: typeMsg, text: text}); err != nil {
			return err
		}
		// A client that sends faster than this is not read from meanwhile: it
		// fills its own buffers, and not the mailboxes of the other clients.
		if err := deadline.Sleep(ctx, c.limits.pace); err != nil {
			return err
		}
	}
}

// ping is the task that notices that a client has vanished without closing its
// connection, as a computer does that is switched off.
func (c *client) ping(ctx, wire context.Context) error {
	for {
		if err := deadline.Sleep(ctx, c.limits.ping); err != nil {
			return err
		}
		if err := deadline.FailAfter(wire, c.limits.pong, c.conn.Ping); err != nil {
			c.end(&farewell{code: websocket.StatusPolicyViolation, reason: "no answer to a ping", err: err})
			return nil
		}
	}
}
