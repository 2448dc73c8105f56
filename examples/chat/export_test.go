package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

var (
	Main        = main
	Run         = run
	NewSessions = newSessions
)

// Limits are those of the program, of which tests set some. Zero is the default.
type Limits struct {
	Mailbox                               int
	Patience, Ping, Pong, Write, Farewell time.Duration
	Pace                                  time.Duration // zero is zero
}

func (l Limits) limits() limits {
	d := defaults()
	set := func(to *time.Duration, d time.Duration) {
		if d != 0 {
			*to = d
		}
	}
	if l.Mailbox != 0 {
		d.mailbox = l.Mailbox
	}
	set(&d.patience, l.Patience)
	set(&d.ping, l.Ping)
	set(&d.pong, l.Pong)
	set(&d.write, l.Write)
	set(&d.farewell, l.Farewell)
	d.pace = l.Pace
	return d
}

// Serve is the program without its command line. If shielded is false, clients
// that leave send that to the others in their canceled scopes, which is the bug that
// the shield is for. Otherwise it is an error if a client is left in the room at the
// end.
func Serve(ctx context.Context, l net.Listener, limits Limits, shielded bool) error {
	s, err := newSessions("")
	if err != nil {
		return err
	}
	h := newHub()
	if !shielded {
		h.shield = func(ctx context.Context, _ time.Duration, fn func(context.Context) error) error { return fn(ctx) }
	}
	err = serve(ctx, l, h, s, limits.limits())
	if r := h.room; err == nil && shielded && len(r.clients)+len(r.tabs) > 0 {
		return fmt.Errorf("left in the room: %d clients, %d users", len(r.clients), len(r.tabs))
	}
	return err
}

// Handler returns what is served, for requests that do not join.
func Handler(s *sessions) http.Handler { return newHandler(newHub(), s, defaults()) }
