package main_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// The flags of stories in which no two things happen at the same time. Three
// requests are at work, two in the channel, and the producer waits: from
// 10s on, one ends and lets the next one in.
const groupFlags = "-requests 12 -every 1.3s -work 10s -at-once 3 -buffer 2"

const handleStory = `
handle: requests are handled as they come, each by a child of the group
    n.GoNamed(request, handler)
  expected: request 5 fails and ends the group; none is lost
    21.30s  request 5 fails: answered 500 Internal Server Error
    21.30s  nothing runs any more; at most 2 waited in the channel
  happened: group: request 5: answered 500 Internal Server Error; 9 accepted = 4 handled + 1 failed + 2 canceled at work + 2 canceled before they began
  as it should be
`

const allHandledStory = `
handle: requests are handled as they come, each by a child of the group
    n.GoNamed(request, handler)
  expected: all requests are handled; none is lost
    42.60s  nothing runs any more; at most 2 waited in the channel
  happened: no error; 12 accepted = 12 handled
  as it should be
`

const tasksStory = `
tasks: the same, with a handle for each request
    task := nursery.SpawnNamed(n, request, handler)
  expected: the client of request 2 gives up, if there is time for it; request 5 fails and ends the group; none is lost
     0.00s  the client of request 1 asks for its result: task has not finished
    10.00s  the client of request 1 has waited for it: 200 OK, 16 bytes
    11.30s  the client of request 2 gives up: scope "request 2" canceled: its client has hung up
    21.30s  nothing runs any more; at most 2 waited in the channel
  happened: group: request 5: answered 500 Internal Server Error; 9 accepted = 3 handled + 1 failed + 1 given up by the client + 2 canceled at work + 2 canceled before they began
  as it should be
`

const givenUpStory = `
tasks: the same, with a handle for each request
    task := nursery.SpawnNamed(n, request, handler)
  expected: the client of request 1 gives up; all others are handled; none is lost
     0.00s  the client of request 1 asks for its result: task has not finished
    10.00s  the client of request 1 gives up: scope "request 1" canceled: its client has hung up
    42.60s  nothing runs any more; at most 2 waited in the channel
  happened: no error; 12 accepted = 11 handled + 1 given up by the client
  as it should be
`

func TestGroups(t *testing.T) {
	for args, want := range map[string]struct {
		story string
		took  time.Duration
	}{
		"handle " + groupFlags + " -fail 5":        {handleStory, 21300 * time.Millisecond},
		"handle " + groupFlags + " -fail 0":        {allHandledStory, 42600 * time.Millisecond},
		"tasks " + groupFlags + " -fail 5 -hang 2": {tasksStory, 21300 * time.Millisecond},
		"tasks " + groupFlags + " -fail 0 -hang 1": {givenUpStory, 42600 * time.Millisecond},
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := new(network).run(t.Context(), strings.Fields(args)...)
				got.expect(t, "timeouts "+args, 0, want.story, "")
				if took := lasted(start); took != want.took {
					t.Errorf("timeouts %s took %v, want %v", args, took, want.took)
				}
			})
		})
	}
}

// All scenes, one after the other: none changes anything for the next, such
// as the time limit of their client, which is less than the requests of the
// groups take.
func TestAll(t *testing.T) {
	args := "-first 5s -second 8s -limit 9s -fail 5 -hang 2 " + groupFlags
	synctest.Test(t, func(t *testing.T) {
		got := new(network).run(t.Context(), strings.Fields(args)...)
		got.expect(t, "timeouts "+args, 0, sumStory+sharedStory+handleStory+tasksStory, "")
	})
}

// A request that fails and should not is not passed over, whether or not
// another one should have.
func TestUnexpectedFailure(t *testing.T) {
	for args, want := range map[string]string{
		"handle -fail 0 -work 9s":        "no route",
		"handle -fail 5 -work 9s":        "no route",
		"tasks -fail 0 -hang 0 -work 9s": "no route",
		"tasks -fail 5 -hang 0 -work 9s": "no route",
		"tasks -fail 2 -hang 0 -work 1s": "answered 500 Internal Server Error",
		"handle -fail 2 -work 1s":        "answered 500 Internal Server Error",
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Request 4 needs a connection of its own, if those before it are
				// still at work.
				flaky := &network{broken: 4}
				got := flaky.run(t.Context(), append(strings.Fields(args), "-every", "1s")...)
				code, text := 3, "timeouts: not as expected: 1 of the scenes above\n"
				if want != "no route" {
					code, text = 0, ""
				}
				if got.code != code || got.stderr != text || len(got.lines(want)) == 0 {
					t.Errorf("timeouts %s, with 3 connections and no more: exit code %d, standard error %q; want %d, %q and %q in\n%s",
						args, got.code, got.stderr, code, text, want, got.stdout)
				}
			})
		})
	}
}

// Flags at the edge: a channel without a buffer, one request at a time, no
// time at all, a request that fails before the one that hangs.
func TestGroupEdges(t *testing.T) {
	for args, want := range map[string]string{
		"handle -requests 1 -fail 1":                        "happened: group: request 1: answered 500 Internal Server Error; 1 accepted = 1 failed",
		"handle -requests 1 -fail 0":                        "happened: no error; 1 accepted = 1 handled",
		"handle -requests 3 -fail 0 -at-once 1 -buffer 0":   "happened: no error; 3 accepted = 3 handled",
		"handle -requests 3 -fail 0 -every 0s -work 0s":     "happened: no error; 3 accepted = 3 handled",
		"tasks -requests 2 -fail 0 -hang 1 -at-once 1":      "happened: no error; 2 accepted = 1 handled + 1 given up by the client",
		"tasks -requests 3 -fail 1 -hang 2 -work 1s":        "happened: group: request 1: answered 500 Internal Server Error; 3 accepted = 1 failed + 2 canceled at work",
		"tasks -requests 3 -fail 1 -hang 3 -at-once 1":      "happened: group: request 1: answered 500 Internal Server Error; 3 accepted = 1 failed + 2 canceled before they began",
		"tasks -requests 3 -fail 0 -hang 0 -work 0s":        "happened: no error; 3 accepted = 3 handled",
		"handle -requests 30 -fail 0 -at-once 30 -every 0s": "happened: no error; 30 accepted = 30 handled",
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := new(network).run(t.Context(), strings.Fields(args)...)
				if lines := got.lines("happened: "); got.code != 0 || len(lines) != 1 || lines[0] != want {
					t.Errorf("timeouts %s: exit code %d, %q; want 0, %q", args, got.code, lines, want)
				}
				if gaveUp := len(got.lines("gives up: ")) > 0; gaveUp != strings.Contains(want, "given up") {
					t.Errorf("timeouts %s: a client gave up: %t; want what the counts say\n%s", args, gaveUp, got.stdout)
				}
			})
		})
	}
}

// The check of the counts can fail: requests that got lost, ended twice, or
// were never there.
func TestBalance(t *testing.T) {
	for _, test := range []struct {
		accepted, ended []int
		want            string
		asExpected      bool
	}{
		{nil, nil, "<nil>", true},
		{[]int{1, 2}, []int{2, 1}, "<nil>", true},
		{[]int{1, 2}, []int{1, -2}, "<nil>", false},
		{[]int{1, 2, 3}, []int{2}, "requests lost: [request 1 request 3]; ended twice: []; never accepted: []", false},
		{[]int{1}, []int{1, 1}, "requests lost: []; ended twice: [request 1]; never accepted: []", false},
		{[]int{1}, []int{1, 2}, "requests lost: []; ended twice: []; never accepted: [request 2]", false},
	} {
		err, asExpected := timeouts.Balance(test.accepted, test.ended)
		got := "<nil>"
		if err != nil {
			got = err.Error()
		}
		if got != test.want || asExpected != test.asExpected {
			t.Errorf("balance of %v accepted and %v ended: %s, as expected: %t; want %s, %t", test.accepted, test.ended, got, asExpected, test.want, test.asExpected)
		}
	}
}

// interrupting is a transport after whose first answer of 500 the program is
// interrupted.
type interrupting struct {
	*http.Transport
	interrupt func()
}

func (i interrupting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := i.Transport.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusInternalServerError {
		resp.Body.Close()
		resp.Body = http.NoBody
		i.interrupt()
	}
	return resp, err
}

// A failure in the moment of an interruption is reported beside it.
func TestFailureAndInterruption(t *testing.T) {
	for _, scene := range []string{"handle", "tasks"} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				net := new(network)
				var stdout, stderr strings.Builder
				code := timeouts.RunWith(ctx, []string{scene, "-fail", "2", "-requests", "3"}, &stdout, &stderr,
					net.listen, interrupting{net.transport(), cancel})
				if code != 1 {
					t.Errorf("timeouts %s, failed and interrupted: exit code %d, want 1", scene, code)
				}
				for _, want := range []string{"timeouts: " + scene + ": group: ", "\trequest 2: answered 500", "context canceled\n"} {
					if !strings.Contains(stderr.String(), want) {
						t.Errorf("timeouts %s, failed and interrupted: standard error\n%s\nwant %q in it", scene, stderr.String(), want)
					}
				}
				if want := "interrupted: 3 accepted = 1 handled + 1 failed + 1 canceled at work\n"; !strings.HasSuffix(stdout.String(), want) {
					t.Errorf("timeouts %s, failed and interrupted: standard output\n%s\nwant at its end %s", scene, stdout.String(), want)
				}
			})
		})
	}
}
