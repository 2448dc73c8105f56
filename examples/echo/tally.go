package main

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
)

// An outcome is how a connection ended.
type outcome int

const (
	failed outcome = iota // its handler ended in an error, or a panic
	served                // in good order, by the client or by the server
	gone                  // the client broke off
	cut                   // the server broke off
	outcomes
)

func (o outcome) String() string {
	return [...]string{"failed", "served", "gone", "cut"}[o]
}

// level returns the level of the line in the log about a connection that ended so, with
// err. That a client leaves, also with a reset, is usual, and what it sends is not a fault
// of the server.
func (o outcome) level(err error) slog.Level {
	switch {
	case o == served:
		return slog.LevelDebug
	case o == gone:
		return slog.LevelInfo
	case o == cut, errors.Is(err, errTooLong):
		return slog.LevelWarn
	}
	return slog.LevelError
}

// brokeOff reports whether err says that the client has gone: it reset the
// connection, or does not answer TCP any more.
func brokeOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ETIMEDOUT)
}

// counts are about connections, except for lines, which are those sent back.
type counts struct {
	accepted int
	ended    [outcomes]int
	lines    int64
}

func (c counts) open() int {
	n := c.accepted
	for _, ended := range c.ended {
		n -= ended
	}
	return n
}

// attrs returns the counts as they stand in the log.
func (c counts) attrs() []any {
	attrs := []any{"accepted", c.accepted}
	for _, o := range []outcome{served, failed, gone, cut} {
		attrs = append(attrs, o.String(), c.ended[o])
	}
	return append(attrs, "lines", c.lines)
}

// A tally counts connections. The zero value has counted none. It must not be
// copied, and its methods may be called by any number of goroutines.
type tally struct {
	mu sync.Mutex
	c  counts // guarded by mu
}

// accept counts a new connection, and returns its number.
func (t *tally) accept() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.c.accepted++
	return t.c.accepted
}

// end counts the end of a connection.
func (t *tally) end(o outcome, lines int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.c.ended[o]++
	t.c.lines += lines
}

func (t *tally) counts() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.c
}
