package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	EndedRows = endedRows
	EndClose  = endClose
	EndBreak  = endBreak
	EndStop   = endStop
)

type (
	Server = server
	Board  = board
	Row    = row
	Reader = reader
	Screen = screen
)

var (
	Main    = main
	Run     = run
	Live    = live
	Plain   = plain
	Final   = final
	Visible = visible
)

// A Network is what a program of a test has in place of the system's.
type Network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// RunWith is Run on another network and with other readers.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, n Network, readers ...*Reader) int {
	p := &program{
		stdout: stdout,
		stderr: stderr,
		listen: n.Listen,
		dial:   n.Dial,
		demo: func(url string, _ options) []*reader {
			for _, r := range readers {
				r.url = url + "?name=" + r.name
			}
			return readers
		},
	}
	return p.run(ctx, args)
}

// A Habit is what a reader of a test does.
type Habit struct {
	Name        string
	Every       time.Duration
	Block, Mute bool
	Take        int64
	Then        ending
}

func (h Habit) Reader() *Reader {
	return &reader{name: h.Name, every: h.Every, block: h.Block, mute: h.Mute, take: h.Take, then: h.Then}
}

// RunReader runs a reader until it ends.
func RunReader(ctx context.Context, h Habit, url string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) error {
	r := h.Reader()
	r.url, r.dial = url, dial
	return r.run(ctx, func() {})
}

// NewServer returns a server that takes so many readers at a time.
func NewServer(size int, patience time.Duration, readers int64, log *slog.Logger) *Server {
	s := newServer(options{size: size, patience: patience}, log)
	s.slots = semaphore.NewWeighted(readers)
	return s
}

func SmallBuffers(l net.Listener, size int) net.Listener { return smallBuffers{l, size} }

func (s *server) Rows() ([]Row, int) { return s.board.rows() }

// NewRow returns a row of the table. An empty end means that the reader is
// connected.
func NewRow(name string, sent, buffered int64, blocked, longest time.Duration, end string) Row {
	return row{name, sent, buffered, blocked, longest, end}
}

func (r row) Name() string    { return r.name }
func (r row) Sent() int64     { return r.sent }
func (r row) Buffered() int64 { return r.buffered }
func (r row) End() string     { return r.end }

func NewScreen(w io.Writer, size func() (width, height int)) *Screen {
	return &screen{w: w, size: size}
}

func (s *screen) Draw(lines ...string) error { return s.draw(lines) }
func (s *screen) Clear() error               { return s.clear() }
