package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/nursery"
)

var (
	Main = main
	Run  = run
)

// RunWith is Run with other servers, and another way to reach them.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, listen func() (net.Listener, error), transport http.RoundTripper) int {
	p := &program{stdout: stdout, stderr: stderr, listen: listen, client: &http.Client{Transport: transport}}
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
// had been asked to fail, and the error of the group. The check includes that
// exactly the requests that did not fail have made room for others: a slot that is
// released a moment before the group is canceled is seldom taken.
func (g Group) Run(ctx context.Context) (counts Counts, check, err error) {
	inner := &group{
		story:    &story{Logger: log.New(io.Discard, "", 0), began: time.Now()},
		requests: g.Requests, atOnce: g.AtOnce, buffer: g.Buffer, every: g.Every, hang: request(g.Hang), patience: g.Patience,
		do: func(ctx context.Context, r request) (string, error) { return "", g.Do(ctx, int(r)) },
	}
	begin := (*group).handle
	if g.Tasks {
		begin = (*group).spawn
	}
	released := make([]bool, g.Requests)
	inner.begin = func(g *group, n *nursery.Nursery, r request, release func()) {
		begin(g, n, r, func() {
			released[r-1] = true
			release()
		})
	}
	err = inner.run(ctx)
	check = inner.check(nil, 0)
	for i, how := range inner.ended {
		if begun := how != lost && how != unbegun; released[i] != (begun && how != failed) {
			check = fmt.Errorf("request %d %s, slot released: %t", i+1, outcomes[how], released[i])
		}
	}
	return Counts{inner.accepted, inner.count(lost), inner.count(handled), inner.count(failed),
		inner.count(givenUp), inner.count(canceled), inner.count(unbegun)}, check, err
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
