package main

import (
	"bytes"
	"context"
	"io"
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

// Counts is what the ledger has when a group has ended.
type Counts struct {
	Accepted, Handled, Failed, GivenUp, Canceled, Unbegun int
}

func (g Group) Run(ctx context.Context) (Counts, error, error) {
	l := newLedger()
	inner := &group{
		o:      options{requests: g.Requests, atOnce: g.AtOnce, buffer: g.Buffer, hang: g.Hang, every: g.Every, work: g.Patience},
		do:     func(ctx context.Context, r request) (answer, error) { return answer{}, g.Do(ctx, int(r)) },
		ledger: l,
		story:  &story{w: new(bytes.Buffer), began: time.Now()},
	}
	run := inner.handle
	if g.Tasks {
		run = inner.tasks
	}
	err := run(ctx)
	return Counts{len(l.accepted), l.count(handled), l.count(failed), l.count(givenUp), l.count(canceled), l.count(unbegun)}, l.balance(), err
}

// Balance returns what a ledger says to these entries, and whether a scene
// without failures would be satisfied with them. A negative number is that of
// a request that was canceled.
func Balance(accepted, ended []int) (balance error, asExpected bool) {
	l := newLedger()
	for _, r := range accepted {
		l.accept(request(r))
	}
	for _, r := range ended {
		how := handled
		if r < 0 {
			r, how = -r, canceled
		}
		l.end(request(r), how)
	}
	g := &group{o: options{requests: len(accepted)}, ledger: l, story: &story{w: io.Discard}}
	return l.balance(), g.asExpected(nil)
}

// An Ending is how two requests may end.
type Ending struct {
	Answers int
	After   time.Duration
	Err     string
	Limit   time.Duration
}

// Fulfils reports whether got passes for want.
func Fulfils(got, want Ending) bool {
	return ending{got.Answers, got.After, got.Err, got.Limit}.fulfils(ending{want.Answers, want.After, want.Err, want.Limit})
}
