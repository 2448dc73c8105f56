package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/nursery"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// Eight requests are at work, from 200ms on one ends and lets the next one in,
// four wait in the channel, and the producer waits with one more.
const handleStory = `
handle: requests are handled as they come, each by a child of the group
    n.GoNamed(request, handler)
     0.80s  request 25 fails: answered 500 Internal Server Error
     0.80s  36 accepted = 24 handled + 1 failed + 7 canceled at work + 4 canceled before they began; error: group: request 25: answered 500 Internal Server Error
`

const allHandledStory = `
handle: requests are handled as they come, each by a child of the group
    n.GoNamed(request, handler)
     1.07s  40 accepted = 40 handled; error: <nil>
`

// Until 420ms one slot of eight is taken by request 3, which hangs.
const tasksStory = `
tasks: the same with a handle for each
    task := nursery.Spawn(n, request, handler)
     0.20s  the client of request 1 has its answer: 200 OK, 18 bytes
     0.42s  the client of request 3 gives up: scope "request 3" canceled: its client has hung up
     0.81s  request 25 fails: answered 500 Internal Server Error
     0.81s  36 accepted = 23 handled + 1 failed + 1 given up by the client + 7 canceled at work + 4 canceled before they began; error: group: request 25: answered 500 Internal Server Error
`

const givenUpStory = `
tasks: the same with a handle for each
    task := nursery.Spawn(n, request, handler)
     0.20s  the client of request 1 has its answer: 200 OK, 18 bytes
     0.42s  the client of request 3 gives up: scope "request 3" canceled: its client has hung up
     1.20s  40 accepted = 39 handled + 1 given up by the client; error: <nil>
`

// A failure before the client gives up, of the very request that hangs otherwise.
const impatientStory = `
tasks: the same with a handle for each
    task := nursery.Spawn(n, request, handler)
     0.20s  the client of request 1 has its answer: 200 OK, 18 bytes
     0.22s  request 3 fails: answered 500 Internal Server Error
     0.22s  14 accepted = 2 handled + 1 failed + 7 canceled at work + 4 canceled before they began; error: group: request 3: answered 500 Internal Server Error
`

func TestGroups(t *testing.T) {
	for args, want := range map[string]string{
		"handle":         handleStory,
		"handle -fail 0": allHandledStory,
		"tasks":          tasksStory,
		"tasks -fail 0":  givenUpStory,
		"tasks -fail 3":  impatientStory,
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := new(network).run(t.Context(), strings.Fields(args)...)
				got.expect(t, "timeouts "+args, 0, want, "")
			})
		})
	}
}

// All scenes, one after the other: none changes anything for the next, such
// as the time limit of their client, which is less than the requests of the
// groups take.
func TestAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		args := "-first 5s -second 8s -limit 9s"
		got := new(network).run(t.Context(), strings.Fields(args)...)
		got.expect(t, "timeouts "+args, 0, sumStory+sharedStory+handleStory+tasksStory, "")
	})
	synctest.Test(t, func(t *testing.T) {
		args := "all -first 50ms -second 80ms -limit 90ms"
		got := new(network).run(t.Context(), strings.Fields(args)...)
		if want := handleStory + tasksStory; got.code != 0 || !strings.HasSuffix(got.stdout, want) {
			t.Errorf("timeouts %s: exit code %d, want 0; standard output\n%s\nwant at its end\n%s", args, got.code, got.stdout, want)
		}
	})
}

// A request that fails and should not is not passed over, whether or not
// another one should have.
func TestUnexpectedFailure(t *testing.T) {
	for args, want := range map[string]string{
		"handle -fail 0": "timeouts: handle: group: request 4: ",
		"handle":         "timeouts: handle: request 25 was to fail, and nothing else: group: request 4: ",
		"tasks -fail 0":  "timeouts: tasks: group: request 4: ",
		"tasks":          "timeouts: tasks: request 25 was to fail, and nothing else: group: request 4: ",
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Request 4 needs a connection of its own: those before it are still
				// at work.
				flaky := &network{broken: 4}
				got := flaky.run(t.Context(), strings.Fields(args)...)
				if got.code != 1 || !strings.HasPrefix(got.stderr, want) || !strings.HasSuffix(got.stderr, "no route\n") {
					t.Errorf("timeouts %s, with 3 connections and no more: exit code %d, standard error %q; want 1, and %q ... no route",
						args, got.code, got.stderr, want)
				}
			})
		})
	}
}

// Groups at the edge: a channel without a buffer, one request at a time, no
// time at all, a request that fails before the one that hangs. Nothing is begun
// after a failure.
func TestGroupEdges(t *testing.T) {
	for _, test := range []struct {
		group timeouts.Group
		fail  int
		want  timeouts.Counts
	}{
		{timeouts.Group{Requests: 1, AtOnce: 1}, 1, timeouts.Counts{Accepted: 1, Failed: 1}},
		{timeouts.Group{Requests: 1, AtOnce: 1}, 0, timeouts.Counts{Accepted: 1, Handled: 1}},
		{timeouts.Group{Requests: 3, AtOnce: 1}, 0, timeouts.Counts{Accepted: 3, Handled: 3}},
		{timeouts.Group{Requests: 30, AtOnce: 30, Buffer: 30}, 0, timeouts.Counts{Accepted: 30, Handled: 30}},
		{timeouts.Group{Requests: 3, AtOnce: 1, Buffer: 3}, 1, timeouts.Counts{Accepted: 3, Failed: 1, Unbegun: 2}},
		{timeouts.Group{Requests: 3, AtOnce: 3, Buffer: 3, Hang: 2}, 1, timeouts.Counts{Accepted: 3, Failed: 1, Canceled: 2}},
		{timeouts.Group{Requests: 2, AtOnce: 1, Hang: 1}, 0, timeouts.Counts{Accepted: 2, Handled: 1, GivenUp: 1}},
		{timeouts.Group{Requests: 3, AtOnce: 1, Buffer: 3, Hang: 3}, 1, timeouts.Counts{Accepted: 3, Failed: 1, Unbegun: 2}},
	} {
		for _, tasks := range []bool{test.group.Hang > 0, true} {
			g := test.group
			g.Tasks, g.Patience = tasks, 2*time.Second
			g.Do = func(ctx context.Context, n int) error {
				if n == g.Hang {
					<-ctx.Done()
					return context.Cause(ctx)
				}
				time.Sleep(time.Second + time.Duration(n)) // the others are behind a failure
				if n == test.fail {
					return errOutOfOrder
				}
				return context.Cause(ctx)
			}
			name := fmt.Sprintf("%d requests, %d at once, buffer %d, hang %d, fail %d, tasks %t", g.Requests, g.AtOnce, g.Buffer, g.Hang, test.fail, tasks)
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got, check, err := g.Run(t.Context())
					if got != test.want || check != nil || errors.Is(err, errOutOfOrder) != (test.fail > 0) {
						t.Errorf("group ended with %+v, check %v, error %v; want %+v, no objection, an error: %t", got, check, err, test.want, test.fail > 0)
					}
				})
			})
		}
	}
}

// The check can fail: requests that got lost, and errors that were not asked for.
func TestCheck(t *testing.T) {
	failure := func(names ...string) error {
		return nursery.Config{Supervise: true}.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for _, name := range names {
				n.GoNamed(name, func(context.Context) error { return errOutOfOrder })
			}
			return nil
		})
	}
	for _, test := range []struct {
		ended []int
		err   error
		fail  int
		tally string
		check string
	}{
		{nil, nil, 0, "0 accepted", "<nil>"},
		{[]int{timeouts.Handled, timeouts.Handled}, nil, 0, "2 accepted = 2 handled", "<nil>"},
		{[]int{timeouts.Handled, timeouts.Lost}, nil, 0, "2 accepted = 1 lost + 1 handled", "not all requests are accounted for"},
		{[]int{timeouts.Lost, timeouts.Failed}, failure("request 2"), 2, "2 accepted = 1 lost + 1 failed", "not all requests are accounted for"},
		{[]int{timeouts.Handled, timeouts.Failed}, failure("request 2"), 2, "2 accepted = 1 handled + 1 failed", "<nil>"},
		{[]int{timeouts.Handled, timeouts.Failed}, failure("request 2"), 0, "2 accepted = 1 handled + 1 failed", "request 2: out of order"},
		{[]int{timeouts.Handled, timeouts.Failed}, failure("request 2"), 1, "2 accepted = 1 handled + 1 failed", "request 1 was to fail, and nothing else: request 2: out of order"},
		{[]int{timeouts.Handled, timeouts.Handled}, nil, 2, "2 accepted = 2 handled", "request 2 was to fail, and nothing else: <nil>"},
	} {
		tally, err := timeouts.Check(test.ended, test.err, test.fail)
		if got := fmt.Sprint(err); tally != test.tally || got != test.check {
			t.Errorf("check of %v, error %v, with -fail %d: %s, %s; want %s, %s", test.ended, test.err, test.fail, tally, got, test.tally, test.check)
		}
	}
	ended := []int{timeouts.Failed, timeouts.Failed}
	if _, err := timeouts.Check(ended, failure("request 1", "request 1"), 1); err == nil {
		t.Error("check of two failures where one was asked for: no error")
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
				code := timeouts.RunWith(ctx, []string{scene, "-fail", "2"}, &stdout, &stderr,
					net.listen, interrupting{net.transport(), cancel})
				if code != 1 {
					t.Errorf("timeouts %s, failed and interrupted: exit code %d, want 1", scene, code)
				}
				for _, want := range []string{"timeouts: " + scene + ": group: ", "\trequest 2: answered 500", "context canceled\n"} {
					if !strings.Contains(stderr.String(), want) {
						t.Errorf("timeouts %s, failed and interrupted: standard error\n%s\nwant %q in it", scene, stderr.String(), want)
					}
				}
				if want := "13 accepted = 1 handled + 1 failed + 7 canceled at work + 4 canceled before they began; "; !strings.Contains(stdout.String(), want) {
					t.Errorf("timeouts %s, failed and interrupted: standard output\n%s\nwant in it %s", scene, stdout.String(), want)
				}
			})
		})
	}
}
