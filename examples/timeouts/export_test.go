package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

var (
	Main        = main
	Run         = run
	UntilSignal = untilSignal
)

// RunWith is Run with other servers, and another way to reach them.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, listen func() (net.Listener, error), transport http.RoundTripper) int {
	story := &story{Logger: log.New(stdout, "", 0)}
	p := &program{story: story, stderr: stderr, listen: listen, client: &http.Client{Transport: transport}}
	return p.run(ctx, args)
}

// A Group is what the scenes handle and tasks run, with other work to do.
type Group struct {
	Tasks                          bool // handles for each request
	Requests, AtOnce, Buffer, Hang int
	Every, Patience                time.Duration
	Do                             func(ctx context.Context, n int) error
}

// Counts is what a group knows when it has ended.
type Counts struct {
	Accepted, Lost, Handled, Failed, GivenUp, Canceled, Unbegun int
}

// Run runs the group. It returns what the check says of it, as if no request
// had been asked to fail, and the error of the group.
func (g Group) Run(ctx context.Context) (counts Counts, check, err error) {
	inner := &group{
		story:    &story{Logger: log.New(io.Discard, "", 0), began: time.Now()},
		requests: g.Requests, atOnce: g.AtOnce, buffer: g.Buffer, every: g.Every, hang: request(g.Hang), patience: g.Patience,
		begin: (*group).handle,
		do:    func(ctx context.Context, r request) (string, error) { return "", g.Do(ctx, int(r)) },
	}
	if g.Tasks {
		inner.begin = (*group).spawn
	}
	err = inner.run(ctx)
	return Counts{inner.accepted, inner.count(lost), inner.count(handled), inner.count(failed),
		inner.count(givenUp), inner.count(canceled), inner.count(unbegun)}, inner.check(nil, 0), err
}

// The outcomes for Check.
const Lost, Handled, Failed = int(lost), int(handled), int(failed)

// Check returns the tally of a group in which the requests have ended like that,
// and what the check says to it.
func Check(ended []int, err error, fail int) (string, error) {
	g := &group{accepted: len(ended)}
	for _, how := range ended {
		g.ended = append(g.ended, outcome(how))
	}
	return g.tally(), g.check(err, request(fail))
}
