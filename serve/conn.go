package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// lastLook is how long a connection without a request is still read when it is to be
	// closed: what is on its way then is answered.
	lastLook = 100 * time.Millisecond
	// firstLook is how old a connection must be to be closed before its first request: a
	// client that has just connected is about to send one.
	firstLook = time.Second
)

// A conn is a connection whose reads can be made to end as if the client had closed it,
// but only while it is idle: while no byte of a request has been read.
type conn struct {
	net.Conn
	made time.Time // read-only

	mu      sync.Mutex
	idle    bool                    // guarded by mu; the peer has no request in progress
	used    bool                    // guarded by mu; it has had a request
	ahead   bool                    // guarded by mu; a byte of the next request has been read
	begun   bool                    // guarded by mu; a byte has been read since it became idle
	ending  bool                    // guarded by mu; reads end when it is idle
	looking time.Time               // guarded by mu; until when a Read takes the last look, zero if none does
	limit   time.Time               // guarded by mu; the read deadline of the user
	read    time.Time               // guarded by mu; when something was read last
	preface [len(prefaceStart)]byte // guarded by mu; the first bytes that were read
	got     int                     // guarded by mu; how many of preface
}

// prefaceStart is how a client of HTTP/2 begins, and no request of HTTP/1.
const prefaceStart = "PRI "

func newConn(c net.Conn) *conn {
	now := time.Now()
	return &conn{Conn: c, made: now, idle: true, read: now}
}

// NetConn returns the connection that the listener has accepted.
func (c *conn) NetConn() net.Conn { return c.Conn }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	if n > 0 {
		if c.endsLocked() {
			c.restoreLocked() // end may have come after the read
		}
		c.readLocked(p[:n])
		// While a handler runs, net/http reads a single byte, to notice when the client
		// goes away.
		c.ahead = c.ahead || !c.idle && len(p) == 1
		c.mu.Unlock()
		return n, err
	}
	if !c.endsLocked() || !isTimeout(err) {
		c.mu.Unlock()
		return n, err
	}
	c.mu.Unlock()
	return c.lastRead(p)
}

// lastRead is the Read of an idle connection that is to end: it takes the last look. If the
// deadline of the user passes meanwhile, which is also how package deadline interrupts a
// Read when its context is done, it returns a timeout and not io.EOF: the client may have
// more to send, and the handler must not take it for a client that has left.
func (c *conn) lastRead(p []byte) (int, error) {
	for {
		c.mu.Lock()
		until := time.Now().Add(lastLook)
		if first := c.made.Add(firstLook); !c.used && first.After(until) {
			until = first
		}
		c.looking = until
		end := until
		if !c.limit.IsZero() && c.limit.Before(until) {
			end = c.limit
		}
		_ = c.Conn.SetReadDeadline(end) // an error is also one of Read
		c.mu.Unlock()
		began := time.Now()
		n, err := c.Conn.Read(p)
		c.mu.Lock()
		c.looking = time.Time{}
		switch {
		case n > 0:
			c.readLocked(p[:n])
			c.restoreLocked()
		case isTimeout(err) && c.limitPassedLocked():
			_ = c.Conn.SetReadDeadline(past) // for the next Read
		case isTimeout(err) && began.After(until):
			c.mu.Unlock()
			continue // this goroutine was late, and Read has not looked at all
		case isTimeout(err):
			_ = c.Conn.SetReadDeadline(past) // for the next Read
			err = io.EOF
		}
		c.mu.Unlock()
		return n, err
	}
}

// readLocked notes that something has been read.
func (c *conn) readLocked(p []byte) {
	c.begun, c.read = true, time.Now()
	c.got += copy(c.preface[c.got:], p)
}

// begunAsHTTP2 reports whether the client began like one of HTTP/2.
func (c *conn) begunAsHTTP2() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.preface[:]) == prefaceStart
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout() || err == os.ErrDeadlineExceeded
}

// endsLocked reports whether reads are to end.
func (c *conn) endsLocked() bool { return c.ending && c.idle && !c.begun }

// limitPassedLocked reports whether the read deadline of the user has passed.
func (c *conn) limitPassedLocked() bool { return !c.limit.IsZero() && !c.limit.After(time.Now()) }

// end lets reads end when the connection is idle.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	c.interruptLocked()
}

// interruptLocked ends the Read that waits, if it is to end.
func (c *conn) interruptLocked() {
	if c.endsLocked() && c.looking.IsZero() {
		_ = c.Conn.SetReadDeadline(past) // fails if the connection is closed, and then Read ends
	}
}

// restoreLocked sets the deadline of the user again, after an interruption.
func (c *conn) restoreLocked() { _ = c.Conn.SetReadDeadline(c.limit) }

// becomeIdle is called when there is no request in progress.
func (c *conn) becomeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle, c.used, c.begun, c.ahead = true, true, c.ahead, false
	c.interruptLocked()
}

// becomeBusy is called when a request is in progress.
func (c *conn) becomeBusy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endsLocked() {
		c.restoreLocked()
	}
	c.idle, c.used, c.ahead = false, true, false
}

// quiet reports whether the connection is idle, and nothing has been read since t.
func (c *conn) quiet(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idle && c.read.Before(t)
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.Conn.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = t
	if c.endsLocked() && (c.looking.IsZero() || t.IsZero() || t.After(c.looking)) {
		return nil // reads end soon, and the deadline is set if they do not
	}
	return c.Conn.SetReadDeadline(t)
}

// ReadFrom lets the inner connection use sendfile.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite shuts the writing side down, if the inner connection can do so.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}
