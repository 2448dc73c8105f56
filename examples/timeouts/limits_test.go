package main_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// The numbers of the problem: two requests have nine seconds, and the first
// takes five of them. What the second one gets is four, to the nanosecond.
const sharedStory = `
shared, 1: one limit for both requests
    deadline.FailAfter(ctx, limit, both)
  expected: the first answer only, after 9.00s, with a deadline.TooSlowError that names a limit of 9.00s
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  second request ends: scope canceled: deadline passed
  happened: the first answer only, after 9.00s, with a deadline.TooSlowError that names a limit of 9.00s
  as it should be

shared, 2: one limit, and what came in time is kept
    deadline.MoveOnAfter(ctx, limit, both)
  expected: the first answer only, after 9.00s, with no error
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  second request ends: scope canceled: deadline passed
     9.00s  going on with what there is
  happened: the first answer only, after 9.00s, with no error
  as it should be

shared, 3: a longer limit inside, which changes nothing
    FailAfter(ctx, limit, ... FailAfter(ctx, 2*limit, both))
  expected: the first answer only, after 9.00s, with a deadline.TooSlowError that names a limit of 9.00s
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  second request ends: scope canceled: deadline passed
     9.00s  the inner limit hands on: scope canceled: deadline passed
  happened: the first answer only, after 9.00s, with a deadline.TooSlowError that names a limit of 9.00s
  as it should be

shared, 4: the first answer moves the limit
    deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))
  expected: both answers, after 13.00s, with no error
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  the limit is moved to 9.00s from now
     5.00s  second request: 9.00s are left for it
    13.00s  second answer: 200 OK, 15 bytes
  happened: both answers, after 13.00s, with no error
  as it should be
`

const sumStory = `
sum: a limit for each of two requests
    http.Client{Timeout: limit}
  expected: both answers, after 13.00s, with no error
     0.00s  first request: no limit is to be seen from here
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: no limit is to be seen from here
    13.00s  second answer: 200 OK, 15 bytes
    13.00s  4.00s more than the limit, and no request was too slow
  happened: both answers, after 13.00s, with no error
  as it should be
`

func TestLimits(t *testing.T) {
	flags := []string{"-first", "5s", "-second", "8s", "-limit", "9s"}
	for scene, want := range map[string]struct {
		story string
		took  time.Duration
	}{
		"sum":    {sumStory, 13 * time.Second},
		"shared": {sharedStory, (9 + 9 + 9 + 13) * time.Second},
	} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := new(network).run(t.Context(), append([]string{scene}, flags...)...)
				got.expect(t, "timeouts "+scene, 0, want.story, "")
				if took := lasted(start); took != want.took {
					t.Errorf("timeouts %s took %v, want %v", scene, took, want.took)
				}
			})
		})
	}
}

// How each way ends, whichever request is too slow.
func TestEndings(t *testing.T) {
	const noAnswer, firstOnly, both = "no answer", "the first answer only", "both answers"
	tooSlow := func(limit string) string { return "a deadline.TooSlowError that names a limit of " + limit }
	for flags, want := range map[string][]string{ // of sum, and the four of shared
		"-first 2s -second 3s -limit 9s": {
			both + ", after 5.00s, with no error",
			both + ", after 5.00s, with no error",
			both + ", after 5.00s, with no error",
			both + ", after 5.00s, with no error",
			both + ", after 5.00s, with no error",
		},
		"-first 8s -second 20s -limit 9s": {
			firstOnly + ", after 17.00s, with a timeout of http.Client",
			firstOnly + ", after 9.00s, with " + tooSlow("9.00s"),
			firstOnly + ", after 9.00s, with no error",
			firstOnly + ", after 9.00s, with " + tooSlow("9.00s"),
			firstOnly + ", after 17.00s, with " + tooSlow("17.00s"),
		},
		"-first 20s -second 0s -limit 9s": {
			noAnswer + ", after 9.00s, with a timeout of http.Client",
			noAnswer + ", after 9.00s, with " + tooSlow("9.00s"),
			noAnswer + ", after 9.00s, with no error",
			noAnswer + ", after 9.00s, with " + tooSlow("9.00s"),
			noAnswer + ", after 9.00s, with " + tooSlow("9.00s"),
		},
	} {
		t.Run(flags, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				for _, scene := range []string{"sum", "shared"} {
					o := new(network).run(t.Context(), append([]string{scene}, strings.Fields(flags)...)...)
					got = append(got, o.lines("happened: ")...)
					if o.code != 0 {
						t.Errorf("timeouts %s %s: exit code %d, want 0; standard output\n%s", scene, flags, o.code, o.stdout)
					}
				}
				if len(got) != len(want) {
					t.Fatalf("timeouts %s: %d endings, want %d", flags, len(got), len(want))
				}
				for i := range want {
					if want := "happened: " + want[i]; got[i] != want {
						t.Errorf("timeouts %s: scene %d\n%s\nwant\n%s", flags, i+1, got[i], want)
					}
				}
			})
		})
	}
}

// What two servers see that are not the program's: how long they have, which
// nobody passed to the function that tells them, and the end of the request
// that came too late, at the very moment of the limit.
func TestServersAreTold(t *testing.T) {
	for scene, want := range map[string]struct {
		headers string // of the two requests of each way
		gone    time.Duration
	}{
		"sum":    {",; ", 14 * time.Second},
		"shared": {"9s,4s; 9s,4s; 9s,4s; 9s,9s; ", (9 + 9 + 9 + 14) * time.Second},
	} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := new(network)
				start := time.Now()
				var mu sync.Mutex
				var told string
				var gone time.Duration // when the last of the second requests ended
				tell := func(r *http.Request, end string) {
					mu.Lock()
					defer mu.Unlock()
					told += r.Header.Get("Time-Left") + end
				}
				first := net.serve(t, func(w http.ResponseWriter, r *http.Request) {
					tell(r, ",")
					time.Sleep(5 * time.Second)
				})
				second := net.serve(t, func(w http.ResponseWriter, r *http.Request) {
					tell(r, "; ")
					<-r.Context().Done() // the client has gone
					mu.Lock()
					defer mu.Unlock()
					gone = time.Since(start)
				})
				got := net.run(t.Context(), scene, "-limit", "9s", first, second)
				synctest.Wait() // the last handler has returned
				mu.Lock()
				defer mu.Unlock()
				if got.code != 0 || len(got.lines("not known: these are servers of your own")) == 0 {
					t.Errorf("timeouts %s URL URL: exit code %d, want 0; standard output\n%s", scene, got.code, got.stdout)
				}
				if told != want.headers {
					t.Errorf("timeouts %s: the servers were told %q, want %q", scene, told, want.headers)
				}
				if n := net.open.Load(); n != 0 {
					t.Errorf("timeouts %s: %d connections of its clients are still open", scene, n)
				}
				if gone != want.gone {
					t.Errorf("timeouts %s: the last request ended after %v, want %v", scene, gone, want.gone)
				}
			})
		})
	}
}

// A scene that ends otherwise than its flags say is not passed over: here the
// way to the servers takes longer than anybody expects.
func TestUnexpected(t *testing.T) {
	for scene, want := range map[string]string{
		"sum":    "timeouts: not as expected: 1 of the scenes above\n",
		"shared": "timeouts: not as expected: 4 of the scenes above\n",
	} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				far := &network{latency: 5 * time.Second}
				got := far.run(t.Context(), scene, "-first", "5s", "-second", "8s", "-limit", "9s")
				if got.code != 3 || got.stderr != want {
					t.Errorf("timeouts %s: exit code %d, standard error %q; want 3 and %q", scene, got.code, got.stderr, want)
				}
				if n := len(got.lines("NOT AS EXPECTED")); n != len(got.lines("happened: ")) {
					t.Errorf("timeouts %s: %d scenes are said to be unexpected, want all\n%s", scene, n, got.stdout)
				}
			})
		})
	}
}

// What counts as expected: nothing that is too early, and no other limit.
func TestFulfils(t *testing.T) {
	const tooSlow = "a deadline.TooSlowError"
	want := timeouts.Ending{Answers: 1, After: 9, Err: tooSlow, Limit: 9}
	free := timeouts.Ending{Answers: 2, After: 9, Err: "no error"}
	for _, test := range []struct {
		got, want timeouts.Ending
		ok        bool
	}{
		{want, want, true},
		{free, free, true},
		{timeouts.Ending{1, 100, tooSlow, 9}, want, true},
		{timeouts.Ending{1, 9, tooSlow, 10}, want, true},
		{timeouts.Ending{1, 8, tooSlow, 9}, want, false},
		{timeouts.Ending{0, 9, tooSlow, 9}, want, false},
		{timeouts.Ending{2, 9, tooSlow, 9}, want, false},
		{timeouts.Ending{1, 9, "no error", 9}, want, false},
		{timeouts.Ending{1, 9, tooSlow, 8}, want, false},
		{timeouts.Ending{1, 18, tooSlow, 18}, want, false},
	} {
		if got := timeouts.Fulfils(test.got, test.want); got != test.ok {
			t.Errorf("%+v fulfils %+v: %t, want %t", test.got, test.want, got, test.ok)
		}
	}
}

// Under a context that is done from the start there is no time left, and no
// less than that.
func TestNoTimeLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := run(ctx, "shared", "http://a.test/", "http://b.test/")
	if n := len(got.lines("0.00s  first request: 0.00s are left for it")); n != 1 || got.code != 130 {
		t.Errorf("timeouts shared URL URL under a canceled context: exit code %d, want 130; standard output\n%s\nwant one request with no time left", got.code, got.stdout)
	}
}

// An interruption ends every scene where it is, with what it has, and is not
// taken for the limit.
func TestInterrupted(t *testing.T) {
	for _, scene := range []string{"sum", "shared", "handle", "tasks", "all"} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				args := []string{scene}
				if scene != "handle" && scene != "tasks" {
					args = append(args, "-first", "5s", "-second", "8s", "-limit", "9s")
				}
				if scene == "handle" || scene == "tasks" {
					args = append(args, "-work", "1h")
				}
				start := time.Now()
				got := new(network).run(ctx, args...)
				if took := lasted(start); took != 3*time.Second {
					t.Errorf("timeouts %s, interrupted after 3s, took %v", scene, took)
				}
				if want := "timeouts: interrupted (context deadline exceeded)\n"; got.code != 130 || got.stderr != want {
					t.Errorf("timeouts %s, interrupted: exit code %d, standard error %q; want 130 and %q", scene, got.code, got.stderr, want)
				}
				if n := len(got.lines("happened: ")); n != 0 {
					t.Errorf("timeouts %s, interrupted: %d scenes have an ending, want none\n%s", scene, n, got.stdout)
				}
				counts := got.lines("interrupted: 12 accepted = 8 canceled at work + 4 canceled before they began")
				if group := scene == "handle" || scene == "tasks"; group && len(counts) != 1 {
					t.Errorf("timeouts %s, interrupted: no counts\n%s", scene, got.stdout)
				}
			})
		})
	}
}
