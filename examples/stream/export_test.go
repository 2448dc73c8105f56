package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

const (
	MaxMessage     = maxMessage
	MaxJobs        = maxJobs
	WaitingPresses = waitingPresses
	StatusReplaced = statusReplaced
)

type (
	Event = event
	Job   = job
	Seats = seats
)

var (
	Main        = main
	ErrNewerTab = errNewerTab
)

// DoJob reads a job and does it.
func DoJob(ctx context.Context, text string) (string, error) {
	return newJob([]byte(text)).do(ctx)
}

func (s *seats) Arrive(client string) *seat { return s.arrive(client) }
func (s *seats) Depart(mine *seat)          { s.depart(mine) }

func (s *seats) Hold(ctx context.Context, mine *seat, work *cancelscope.Scope, fn func(context.Context) error) error {
	return s.hold(ctx, mine, work, fn)
}

// Len returns how many clients are remembered.
func (s *seats) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

// Settings are those of a server that tests change. A zero field is what the
// program uses.
type Settings struct {
	Limit        int
	WriteTimeout time.Duration
	PingEvery    time.Duration
	Do           func(ctx context.Context, j Job) (string, error)
	Log          slog.Handler // nil: none
}

type Server struct{ s *server }

func NewServer(s Settings) *Server {
	o := defaults
	if s.Limit != 0 {
		o.limit = s.Limit
	}
	if s.WriteTimeout != 0 {
		o.writeTimeout = s.WriteTimeout
	}
	if s.Log == nil {
		s.Log = slog.DiscardHandler
	}
	server := newServer(o, slog.New(s.Log))
	if s.PingEvery != 0 {
		server.pingEvery = s.PingEvery
	}
	if s.Do != nil {
		server.do = s.Do
	}
	return &Server{server}
}

func (s *Server) Handler() http.Handler { return s.s.handler() }

// Clients returns how many clients the server remembers.
func (s *Server) Clients() int { return s.s.seats.Len() }
