package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

type (
	Server = server
	Row    = row
)

var (
	Main = main
	Dial = dial
)

// A Habit is what a reader of a test does.
type Habit struct {
	Name                string
	Every               time.Duration
	Block, Mute, Closes bool
	Take                int64
}

func (h Habit) reader() *reader {
	return &reader{name: h.Name, every: h.Every, block: h.Block, mute: h.Mute, take: h.Take, closes: h.Closes}
}

// Habits are those of the readers that the program brings along.
func Habits(pause time.Duration) (all []Habit) {
	for _, r := range demo(pause) {
		all = append(all, Habit{r.name, r.every, r.block, r.mute, r.closes, r.take})
	}
	return all
}

// A Dialer connects as that of package net does.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Run runs the program with other readers, and another network.
func Run(ctx context.Context, patience, limit time.Duration, stdout io.Writer, log *slog.Logger, l net.Listener, dial Dialer, habits ...Habit) error {
	p := &program{patience: patience, limit: limit, stdout: stdout, log: log, dial: dial}
	for _, h := range habits {
		p.readers = append(p.readers, h.reader())
	}
	program := serve.Program{Grace: time.Hour, Log: slog.New(slog.DiscardHandler)}
	return program.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return p.run(ctx, n, l) })
}

// RunReader runs a reader until it ends.
func RunReader(ctx context.Context, h Habit, url string, dial Dialer) error {
	r := h.reader()
	r.url, r.dial = url, dial
	return r.run(ctx)
}

func NewServer(patience time.Duration, log *slog.Logger) *Server {
	return &server{patience: patience, log: log}
}

func SmallBuffers(l net.Listener) net.Listener { return smallBuffers{l} }

func (s *server) Rows() []Row { return s.board.rows() }

func (r row) Name() string    { return r.name }
func (r row) Sent() int64     { return r.sent }
func (r row) Buffered() int64 { return r.buffered }
