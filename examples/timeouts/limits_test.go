package main_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// The numbers of the problem: two requests have nine seconds, and the first takes five of
// them. What the second one gets is four, to the nanosecond.
var stories = map[string]struct {
	story string
	took  time.Duration
}{
	"sum": {`
sum: a limit for each of two requests
    http.Client{Timeout: limit}
     0.00s  first request: no limit is to be seen from here
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: no limit is to be seen from here
    13.00s  second answer: 200 OK, 15 bytes
    13.00s  2 of 2 answers, with a limit of 9.00s; error: <nil>
`, 13 * time.Second},
	"shared": {`
shared: one limit for both requests
    deadline.FailAfter(ctx, limit, both)
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  1 of 2 answers, with a limit of 9.00s; error: Get "http://server2.test:80/?after=8s": too slow: limit of 9s exceeded
`, 9 * time.Second},
	"keep": {`
keep: one limit, and what came in time is kept
    deadline.MoveOnAfter(ctx, limit, both)
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  continuing with what there is
     9.00s  1 of 2 answers, with a limit of 9.00s; error: <nil>
`, 9 * time.Second},
	"move": {`
move: one limit, which the first answer moves
    deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 9.00s are left for it
    13.00s  second answer: 200 OK, 15 bytes
    13.00s  2 of 2 answers, with a limit of 9.00s; error: <nil>
`, 13 * time.Second},
	// Eight requests are at work, from 200ms on one ends and lets the next one in, four wait
	// in the channel, and the producer waits with one more.
	"handle": {`
handle: a request that fails cancels those at work
    nursery.ForEach(ctx, 8, receive.Receive, handle)
     0.80s  24 handled, 7 canceled at work; error: request 25: the server answered 500 Internal Server Error
`, 800 * time.Millisecond},
	"hangup": {`
hangup: a client that gives up cancels its request alone
    task := nursery.Spawn(n, name, request)
     0.10s  waiting for the slow answer: too slow: limit of 100ms exceeded
     0.10s  the slow request has ended, because its client has hung up: true
     0.20s  the quick answer: 200 OK, 18 bytes
`, 200 * time.Millisecond},
}

func TestStories(t *testing.T) {
	flags := []string{"-first", "5s", "-second", "8s", "-limit", "9s"}
	for scene, want := range stories {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := new(network).run(t.Context(), append(flags, scene)...)
				if got.err != nil || got.story != want.story {
					t.Errorf("timeouts %s = %v, it says\n%s\nwant nil,\n%s", scene, got.err, got.story, want.story)
				}
				if took := lasted(start); took != want.took {
					t.Errorf("timeouts %s took %v, want %v", scene, took, want.took)
				}
			})
		})
	}
}

// All scenes, one after the other: none changes anything for the next.
func TestAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(network).run(t.Context(), "-first", "5s", "-second", "8s", "-limit", "9s")
		var want strings.Builder
		for _, scene := range []string{"sum", "shared", "keep", "move", "handle", "hangup"} {
			want.WriteString(stories[scene].story)
		}
		if got.err != nil || got.story != want.String() {
			t.Errorf("timeouts = %v, it says\n%s\nwant nil,\n%s", got.err, got.story, want.String())
		}
	})
}

// How each way ends, whichever request is too slow.
func TestEndings(t *testing.T) {
	const (
		ofClient = ": context deadline exceeded" // the client has more to say, or not
		tooSlow  = ": too slow: limit of "
		noError  = "; error: <nil>"
	)
	for flags, want := range map[string][4][2]string{ // of the four scenes about limits
		"-first 2s -second 3s -limit 9s": {
			{"5.00s  2 of 2 answers", noError}, {"5.00s  2 of 2 answers", noError},
			{"5.00s  2 of 2 answers", noError}, {"5.00s  2 of 2 answers", noError},
		},
		"-first 8s -second 20s -limit 9s": {
			{"17.00s  1 of 2 answers", ofClient}, {"9.00s  1 of 2 answers", tooSlow + "9s exceeded"},
			{"9.00s  1 of 2 answers", noError}, {"17.00s  1 of 2 answers", tooSlow + "17s exceeded"},
		},
		"-first 20s -second 0s -limit 9s": {
			{"9.00s  0 of 2 answers", ofClient}, {"9.00s  0 of 2 answers", tooSlow + "9s exceeded"},
			{"9.00s  0 of 2 answers", noError}, {"9.00s  0 of 2 answers", tooSlow + "9s exceeded"},
		},
	} {
		t.Run(flags, func(t *testing.T) {
			for i, scene := range []string{"sum", "shared", "keep", "move"} {
				synctest.Test(t, func(t *testing.T) {
					o := new(network).run(t.Context(), append(strings.Fields(flags), scene)...)
					got := o.lines(" of 2 answers")
					if o.err != nil || len(got) != 1 || !strings.HasPrefix(got[0], want[i][0]+", ") || !strings.Contains(got[0], want[i][1]) {
						t.Errorf("timeouts %s %s = %v, ends with\n%q\nwant\n%s ... %s", flags, scene, o.err, got, want[i][0], want[i][1])
					}
				})
			}
		})
	}
}

// An interruption ends every scene where it is, is not taken for the limit, even if it
// looks like one, and the servers end after their clients.
func TestInterrupted(t *testing.T) {
	for _, args := range []string{"-first 5s", "-first 5s sum", "-first 5s shared", "-first 5s move", "handle", "hangup"} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
				defer cancel()
				start := time.Now()
				net := new(network)
				got := net.run(ctx, strings.Fields(args)...)
				if took := lasted(start); took != 0 || !cancelscope.IsCancellation(ctx, got.err) {
					t.Errorf("timeouts %s, interrupted after 95ms = %v after %v more, want a cancellation at once", args, got.err, took)
				}
				synctest.Wait() // all connections have been closed
				if n := net.open.Load(); n != 0 {
					t.Errorf("timeouts %s: %d connections of its clients are still open", args, n)
				}
				if n := len(got.lines("answer: ")); n != 0 {
					t.Errorf("timeouts %s, interrupted: it says\n%s\nwant no answer", args, got.story)
				}
			})
		})
	}
}

// A request that fails and should not is not passed over, whether or not another one
// should have.
func TestUnexpectedFailure(t *testing.T) {
	for _, args := range []string{"-fail 0 handle", "handle"} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Request 4 needs a connection of its own: those before it are at work.
				got := (&network{broken: 4}).run(t.Context(), strings.Fields(args)...)
				if text := ""; got.err != nil {
					text = got.err.Error()
					if !strings.HasPrefix(text, "handle: request 4: ") || !strings.HasSuffix(text, "no route") {
						t.Errorf("timeouts %s, with 3 connections and no more = %v, want handle: request 4: ... no route", args, got.err)
					}
				} else {
					t.Errorf("timeouts %s, with 3 connections and no more = nil, want an error", args)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		got := new(network).run(t.Context(), "-fail", "0", "handle")
		if n := len(got.lines("1.07s  40 handled, 0 canceled at work; error: <nil>")); got.err != nil || n != 1 {
			t.Errorf("timeouts -fail 0 handle = %v, it says\n%s\nwant all 40 handled", got.err, got.story)
		}
	})
}
