package main_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The numbers of the problem: two requests have nine seconds, and the first
// takes five of them. What the second one gets is four, to the nanosecond.
const sharedStory = `
shared: one limit for both requests
    deadline.FailAfter(ctx, limit, both)
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  second request ends: scope canceled: deadline passed
     9.00s  1 of 2 answers, with a limit of 9.00s; error: too slow: limit of 9s exceeded

shared: one limit, and what came in time is kept
    deadline.MoveOnAfter(ctx, limit, both)
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 4.00s are left for it
     9.00s  second request ends: scope canceled: deadline passed
     9.00s  continuing with what there is
     9.00s  1 of 2 answers, with a limit of 9.00s; error: <nil>

shared: one limit, which the first answer moves
    deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))
     0.00s  first request: 9.00s are left for it
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: 9.00s are left for it
    13.00s  second answer: 200 OK, 15 bytes
    13.00s  2 of 2 answers, with a limit of 9.00s; error: <nil>
`

const sumStory = `
sum: a limit for each of two requests
    http.Client{Timeout: limit}
     0.00s  first request: no limit is to be seen from here
     5.00s  first answer: 200 OK, 15 bytes
     5.00s  second request: no limit is to be seen from here
    13.00s  second answer: 200 OK, 15 bytes
    13.00s  2 of 2 answers, with a limit of 9.00s; error: <nil>
`

func TestLimits(t *testing.T) {
	flags := []string{"-first", "5s", "-second", "8s", "-limit", "9s"}
	for scene, want := range map[string]struct {
		story string
		took  time.Duration
	}{
		"sum":    {sumStory, 13 * time.Second},
		"shared": {sharedStory, (9 + 9 + 13) * time.Second},
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
	const (
		ofClient = ": context deadline exceeded" // the client has more to say, or not
		tooSlow  = "; error: too slow: limit of "
		noError  = "; error: <nil>"
	)
	for flags, want := range map[string][4][2]string{ // of sum, and the three of shared
		"-first 2s -second 3s -limit 9s": {
			{"5.00s  2 of 2 answers", noError},
			{"5.00s  2 of 2 answers", noError},
			{"5.00s  2 of 2 answers", noError},
			{"5.00s  2 of 2 answers", noError},
		},
		"-first 8s -second 20s -limit 9s": {
			{"17.00s  1 of 2 answers", ofClient},
			{"9.00s  1 of 2 answers", tooSlow + "9s exceeded"},
			{"9.00s  1 of 2 answers", noError},
			{"17.00s  1 of 2 answers", tooSlow + "17s exceeded"},
		},
		"-first 20s -second 0s -limit 9s": {
			{"9.00s  0 of 2 answers", ofClient},
			{"9.00s  0 of 2 answers", tooSlow + "9s exceeded"},
			{"9.00s  0 of 2 answers", noError},
			{"9.00s  0 of 2 answers", tooSlow + "9s exceeded"},
		},
		// The server has no limit of its own for answers.
		"-first 10m -second 1h -limit 2h": {
			{"4200.00s  2 of 2 answers", noError},
			{"4200.00s  2 of 2 answers", noError},
			{"4200.00s  2 of 2 answers", noError},
			{"4200.00s  2 of 2 answers", noError},
		},
	} {
		t.Run(flags, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				for _, scene := range []string{"sum", "shared"} {
					o := new(network).run(t.Context(), append([]string{scene}, strings.Fields(flags)...)...)
					got = append(got, o.lines(" of 2 answers")...)
					if o.code != 0 {
						t.Errorf("timeouts %s %s: exit code %d, want 0; standard output\n%s", scene, flags, o.code, o.stdout)
					}
				}
				if len(got) != len(want) {
					t.Fatalf("timeouts %s: %d endings, want %d", flags, len(got), len(want))
				}
				for i, want := range want {
					if !strings.HasPrefix(got[i], want[0]+", ") || !strings.Contains(got[i], want[1]) {
						t.Errorf("timeouts %s: scene %d ends with\n%s\nwant\n%s ... %s", flags, i+1, got[i], want[0], want[1])
					}
				}
			})
		})
	}
}

// What two servers see that are not the program's: the time that is left, which
// no parameter has brought to the function that sends it, and the end of the
// request that came too late, at the very moment of the limit.
func TestTimeLeft(t *testing.T) {
	for scene, want := range map[string]struct {
		headers string // of the two requests of each way
		gone    time.Duration
	}{
		"sum":    {",; ", 14 * time.Second},
		"shared": {"9s,4s; 9s,4s; 9s,9s; ", (9 + 9 + 14) * time.Second},
	} {
		t.Run(scene, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := new(network)
				start := time.Now()
				var mu sync.Mutex
				var seen string
				var gone time.Duration // when the last of the second requests ended
				note := func(r *http.Request, end string) {
					mu.Lock()
					defer mu.Unlock()
					seen += r.Header.Get("Time-Left") + end
				}
				first := net.serve(t, func(w http.ResponseWriter, r *http.Request) {
					note(r, ",")
					time.Sleep(5 * time.Second)
				})
				second := net.serve(t, func(w http.ResponseWriter, r *http.Request) {
					note(r, "; ")
					<-r.Context().Done() // the client has gone
					mu.Lock()
					defer mu.Unlock()
					gone = time.Since(start)
				})
				got := net.run(t.Context(), scene, "-limit", "9s", first, second)
				synctest.Wait() // the last handler has returned
				mu.Lock()
				defer mu.Unlock()
				if got.code != 0 {
					t.Errorf("timeouts %s URL URL: exit code %d, want 0; standard output\n%s", scene, got.code, got.stdout)
				}
				if seen != want.headers {
					t.Errorf("timeouts %s: the servers have seen %q, want %q", scene, seen, want.headers)
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
// taken for the limit, even if it looks like one.
func TestInterrupted(t *testing.T) {
	for args, want := range map[string]string{ // the last line
		"sum -first 5s":               "first request ends: context deadline exceeded",
		"shared -first 5s":            "first request ends: context deadline exceeded",
		"all -first 5s":               "first request ends: context deadline exceeded",
		"handle -first 5s":            "12 accepted = 8 canceled at work + 4 canceled before they began; error: ",
		"tasks":                       "12 accepted = 8 canceled at work + 4 canceled before they began; error: ",
		"shared -first 0s -second 5s": "second request ends: context deadline exceeded",
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 195*time.Millisecond)
				defer cancel()
				start := time.Now()
				got := new(network).run(ctx, strings.Fields(args)...)
				if took := lasted(start); took != 100*time.Millisecond {
					t.Errorf("timeouts %s, interrupted after 195ms, took %v more than 100ms", args, took)
				}
				if want := "timeouts: interrupted (context deadline exceeded)\n"; got.code != 130 || got.stderr != want {
					t.Errorf("timeouts %s, interrupted: exit code %d, standard error %q; want 130 and %q", args, got.code, got.stderr, want)
				}
				lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
				if last := lines[len(lines)-1]; !strings.Contains(last, want) {
					t.Errorf("timeouts %s, interrupted: standard output\n%s\nwant at its end %q", args, got.stdout, want)
				}
			})
		})
	}
}
