package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"
)

type (
	Server = server
	Row    = row
	Reader = reader
	Table  = table
)

var (
	Main = main
	Run  = run
)

// A Network is what a program of a test has in place of the system's.
type Network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// RunWith is Run on another network and with other readers.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, n Network, readers ...*Reader) int {
	p := &program{stdout: stdout, stderr: stderr, listen: n.Listen, dial: n.Dial, readers: readers}
	return p.run(ctx, args)
}

// A Habit is what a reader of a test does.
type Habit struct {
	Name                string
	Every               time.Duration
	Block, Mute, Closes bool
	Take                int64
}

func (h Habit) Reader() *Reader {
	return &reader{name: h.Name, every: h.Every, block: h.Block, mute: h.Mute, take: h.Take, closes: h.Closes}
}

// RunReader runs a reader until it ends.
func RunReader(ctx context.Context, h Habit, url string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) error {
	r := h.Reader()
	r.url, r.dial = url, dial
	return r.run(ctx)
}

func NewServer(patience time.Duration, log *slog.Logger) *Server {
	return &server{patience: patience, log: log}
}

func SmallBuffers(l net.Listener) net.Listener { return smallBuffers{l} }

func (s *server) Rows() []Row { return s.board.rows() }

// NewRow returns a row of the table.
func NewRow(name string, sent, buffered int64, blocked time.Duration) Row {
	return row{name, sent, buffered, blocked}
}

func (r row) Name() string    { return r.name }
func (r row) Sent() int64     { return r.sent }
func (r row) Buffered() int64 { return r.buffered }

// NewTable returns a table on a terminal of this size, or on none if size is
// nil.
func NewTable(w io.Writer, rows func() []row, size func() (width, height int)) *Table {
	t := newTable(w, rows)
	t.size = size
	return t
}
