package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

var errBoom = errors.New("the client said boom")

// A client is one connection, in the hands of one handler.
type client struct {
	limits
	raw  net.Conn
	conn net.Conn // raw, bound to the context of the handler
	ends bool     // the client has closed its sending side
	in   input

	owed   []byte // lines that have been read, and not been sent back
	notice []byte // to be sent at the end, beyond the echo
	lines  int64  // that have been sent back
}

func newClient(ctx context.Context, raw net.Conn, maxLine int, l limits) *client {
	return &client{raw: raw, conn: deadline.Conn(ctx, raw), in: input{max: maxLine}, limits: l}
}

// echo sends lines back as they come, until the client ends the connection or, once
// draining is done, is silent between two lines: then it returns nil. When ctx is
// done it stops at once, and leaves in owed what it has read as lines and could not
// send back.
func (c *client) echo(ctx, draining context.Context) error {
	for {
		failure := c.collect()
		if err := c.flush(c.conn); err != nil {
			return err
		}
		if failure != nil {
			return failure // those before boom have had their lines back
		}
		if c.ends {
			if len(c.in.rest()) > 0 {
				c.lines++ // the last one, which flush has not seen end
			}
			return nil
		}
		switch err := c.receive(ctx, draining); err {
		case nil:
		case errSilent:
			return nil
		case io.EOF:
			c.ends = true
		default:
			return err
		}
	}
}

// collect moves lines from the input to what is owed, all that are there, so that
// they go back in one write. It stops at a line that ends the handler.
func (c *client) collect() error {
	for {
		line, err := c.in.next()
		if err != nil {
			c.notice = fmt.Appendf(nil, "error: line longer than %d bytes\n", c.in.max)
			return err
		}
		last := line == nil && c.ends
		if last {
			line = c.in.rest() // has no newline, and gets none
		}
		if isBoom(line) {
			return errBoom
		}
		c.owed = append(c.owed, line...)
		if line == nil || last {
			return nil
		}
	}
}

func isBoom(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r")) // as telnet sends it
	return string(line) == "boom"
}

// flush sends what is owed.
func (c *client) flush(to net.Conn) error {
	if len(c.owed) == 0 {
		return nil
	}
	n, err := to.Write(c.owed)
	c.lines += int64(bytes.Count(c.owed[:n], []byte("\n")))
	c.owed = c.owed[n:]
	if len(c.owed) == 0 {
		c.owed = nil
	}
	return err
}

var errSilent = errors.New("client is silent")

// receive waits for more input. While the server drains, it waits for a short time only,
// and returns errSilent if nothing comes, unless a line has begun: the client may finish
// that.
func (c *client) receive(ctx, draining context.Context) error {
	err := c.in.fill(deadline.Conn(draining, c.conn).Read)
	if !cancelscope.IsCancellation(draining, err) {
		return err
	}
	if len(c.in.rest()) > 0 {
		return c.in.fill(c.conn.Read)
	}
	silent, err := deadline.MoveOnAfter(ctx, c.silence, func(ctx context.Context) error {
		return c.in.fill(deadline.Conn(ctx, c.conn).Read)
	})
	if silent {
		return errSilent
	}
	return err
}
