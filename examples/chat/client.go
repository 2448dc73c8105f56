package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/textsocket"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A client is one websocket of a user: a tab of a browser.
type client struct {
	user   user
	conn   *websocket.Conn
	hub    *hub
	limits limits
	scope  *cancelscope.Scope // of its nursery; set before it joins

	// The hub puts messages into the mailbox, and the writer takes them out as fast as the
	// client reads.
	mailbox *memchan.Sender[[]byte]
	mail    *memchan.Receiver[[]byte]

	// wire is the scope in which the connection is read and written. It is
	// shielded, because the websocket library cuts the connection when the
	// context of a Read or Write is done: with the context of the nursery, the
	// reason could not be sent to a client that has to leave.
	wire cancelscope.Scope
}

func newClient(u user, conn *websocket.Conn, h *hub, limits limits) *client {
	conn.SetReadLimit(maxMessage)
	c := &client{user: u, conn: conn, hub: h, limits: limits}
	c.mailbox, c.mail = memchan.Open[[]byte](limits.mailbox)
	return c
}

// run joins, and returns when the client has left and its connection is closed. server is
// the context of the request.
func (c *client) run(server context.Context) error {
	c.wire.SetShield(true)
	return c.wire.Run(server, func(wire context.Context) error {
		defer c.conn.CloseNow() // unless it is closed already
		// Inside server, not wire: the tasks end with the handler.
		return nursery.Config{Name: "client"}.Run(server, func(ctx context.Context, n *nursery.Nursery) error {
			c.scope = n.Scope()
			if err := c.hub.in.Send(ctx, event{from: c, kind: typeJoin}); err != nil {
				c.goodbye(goingAway)
				return err
			}
			slog.Info("joined", "user", c.user.Name, "id", c.user.ID)
			n.GoNamed("reader", func(ctx context.Context) error { return c.read(ctx, wire) })
			n.GoNamed("writer", func(ctx context.Context) error { return c.write(ctx, wire) })
			n.GoNamed("pinger", func(ctx context.Context) error { return c.ping(ctx, wire) })

			select {
			case <-ctx.Done(): // a task has called end, or everything is canceled
			case <-serve.Closing(ctx): // the server drains, and waits for this handler
				c.end(goingAway)
			}
			why := goingAway
			errors.As(context.Cause(ctx), &why)
			err := c.part(ctx, why)
			c.goodbye(why)
			return err
		})
	})
}

// part sends the other clients the news that c has left. Its scope has been
// canceled, so that without the shield the Send would fail, and the other clients
// would never learn of it.
func (c *client) part(ctx context.Context, why *farewell) error {
	slog.Info("left", "user", c.user.Name, "id", c.user.ID, "why", why)
	return cancelscope.Shield(ctx, 5*time.Second, func(ctx context.Context) error {
		return c.hub.in.Send(ctx, event{from: c, kind: typePart})
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

// post puts a message into the mailbox. If there is no room, the client is dropped: the
// hub does not wait for it, and a client that missed a message and continued would not
// know that it had.
func (c *client) post(data []byte) {
	if errors.Is(c.mailbox.TrySend(data), memchan.ErrWouldBlock) {
		c.end(&farewell{code: websocket.StatusPolicyViolation, reason: fmt.Sprintf("more than %d messages behind", c.limits.mailbox)})
	}
	// Any other error says that the writer has ended: c is leaving.
}

// write is the task that writes the messages. One that has been begun is written to its
// end, also if c is leaving: a websocket that was cut in the middle of one has no way to
// close properly.
func (c *client) write(ctx, wire context.Context) error {
	defer c.mail.Close()
	for data, err := range c.mail.All(ctx) {
		if err != nil {
			return err
		}
		err = deadline.FailAfter(wire, c.limits.write, func(wire context.Context) error {
			return c.conn.Write(wire, websocket.MessageText, data)
		})
		if err != nil {
			c.end(&farewell{code: websocket.StatusPolicyViolation, reason: "cannot be written to", err: err})
			return nil
		}
	}
	return nil
}

// read is the task that reads what the client says.
func (c *client) read(ctx, wire context.Context) error {
	for {
		data, err := textsocket.Read(wire, c.conn)
		if err != nil {
			c.end(readFarewell(err))
			return nil
		}
		text, bad := parseMessage(data)
		if bad != nil {
			c.end(bad)
			return nil
		}
		if err := c.hub.in.Send(ctx, event{from: c, kind: typeMsg, text: text}); err != nil {
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
