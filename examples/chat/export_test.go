package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

var Main = main

// Limits are those of the program, of which tests set some. Zero is the default.
type Limits struct {
	Mailbox               int
	Ping, Write, Farewell time.Duration
	Pace                  time.Duration // zero is zero
}

func (l Limits) limits() limits {
	d := defaults
	set := func(to *time.Duration, d time.Duration) {
		if d != 0 {
			*to = d
		}
	}
	if l.Mailbox != 0 {
		d.mailbox = l.Mailbox
	}
	set(&d.ping, l.Ping)
	set(&d.write, l.Write)
	set(&d.farewell, l.Farewell)
	d.pace = l.Pace
	return d
}

// Serve is the program without its command line, and gives its context to started.
func Serve(ctx context.Context, l net.Listener, limits Limits, started func(ctx context.Context)) error {
	return serve.Program{Grace: time.Hour}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		started(ctx)
		return run(ctx, n, l, newHub(), limits.limits())
	})
}

// Handler returns what is served, for requests that do not join.
func Handler() http.Handler { return newHandler(newHub(), defaults) }
