package main

import (
	"context"
	"io"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// part ends the conversation so that a client that reads gets everything that was sent
// to it, also if it is cut off. It returns when the connection can be closed: when the
// client has closed its side, or the time for that is over.
//
// To close right away would be wrong: if input has arrived that was not read, TCP closes
// with a reset, which discards what is still on its way to the client.
func (c *client) part(ctx context.Context) {
	_, err := deadline.MoveOnAfter(ctx, c.linger, c.goodbye)
	if cancelscope.IsCancellation(ctx, err) {
		// Cut off, before or during the goodbye: what has been read as a line is
		// answered all the same.
		cancelscope.Shield(ctx, c.parting, c.goodbye)
	}
}

// goodbye sends what is left to send, closes the sending side, which is how the
// client learns that nothing more comes, and throws away what the client has sent
// since, until it closes its own side. It can be called again after it was
// interrupted.
func (c *client) goodbye(ctx context.Context) error {
	conn := deadline.Conn(ctx, c.conn)
	if err := c.flush(conn); err != nil {
		return err
	}
	if len(c.notice) > 0 {
		n, err := conn.Write(c.notice)
		c.notice = c.notice[n:]
		if err != nil {
			return err
		}
	}
	half, ok := c.raw.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}
