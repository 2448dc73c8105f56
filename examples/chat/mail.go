package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
)

// mail is the way of the messages to one client, in their order. The hub puts
// them into the bag of a postman, which does not block. The postman puts them
// into the mailbox, and waits there if that is full, but not for ever. The
// writer takes them out as fast as the client reads.
//
// Both are bounded, and so is the cost of a client that does not read: after a
// time it loses its own connection, and no other client is delayed.
type mail struct {
	bag       *memchan.Sender[[]byte]
	bagOut    *memchan.Receiver[[]byte]
	mailboxIn *memchan.Sender[[]byte]
	mailbox   *memchan.Receiver[[]byte]
}

// bagSize is how many mailboxes a bag could fill. It takes bursts, such as many
// clients that leave at once: the hub does not even wait for a postman task that
// is ready to run, but not running yet.
const bagSize = 4

func newMail(mailbox int) *mail {
	m := new(mail)
	m.bag, m.bagOut = memchan.Open[[]byte](bagSize * mailbox)
	m.mailboxIn, m.mailbox = memchan.Open[[]byte](mailbox)
	return m
}

// post puts a message into the bag. If there is no room, the client is dropped:
// the hub does not wait for it, and a client that missed a message and continued
// would not know that it had.
func (c *client) post(data []byte) {
	if errors.Is(c.mail.bag.TrySend(data), memchan.ErrWouldBlock) {
		c.end(&farewell{
			code:   websocket.StatusPolicyViolation,
			reason: fmt.Sprintf("more than %d messages behind", (1+bagSize)*c.limits.mailbox),
		})
	}
	// Any other error says that the postman has ended: c is leaving.
}

// carry is the task of the postman.
func (c *client) carry(ctx context.Context) error {
	defer c.mail.bagOut.Close()
	for data, err := range c.mail.bagOut.All(ctx) {
		if err != nil {
			return err
		}
		// The time counts only if there is no room. Otherwise it could pass before
		// the Send on a machine that is too busy to get there.
		err = c.mail.mailboxIn.TrySend(data)
		if errors.Is(err, memchan.ErrWouldBlock) {
			err = deadline.FailAfter(ctx, c.limits.patience, func(ctx context.Context) error {
				return c.mail.mailboxIn.Send(ctx, data)
			})
		}
		if tooSlow := (*deadline.TooSlowError)(nil); errors.As(err, &tooSlow) {
			c.end(&farewell{
				code:   websocket.StatusPolicyViolation,
				reason: fmt.Sprintf("mailbox full for %v", tooSlow.Limit),
			})
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write is the task of the writer. A message that has been begun is written to
// its end, also if c is leaving: a websocket that was cut in the middle of one
// has no way to close properly.
func (c *client) write(ctx, wire context.Context) error {
	for data, err := range c.mail.mailbox.All(ctx) {
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
