package main_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// All scenes with real servers. Their times are far enough apart for any
// machine: the first server answers at once, the second never.
func TestLoopback(t *testing.T) {
	t.Parallel()
	got := run(t.Context(), "all", "-first", "0s", "-second", "1h", "-limit", "700ms", "-fail", "40")
	if got.code != 0 || got.stderr != "" {
		t.Errorf("timeouts: exit code %d, standard error %q; want 0 and none", got.code, got.stderr)
	}
	for line, want := range map[string]int{
		"first answer: 200 OK, 15 bytes":                               4,
		"second request ends: ":                                        4,
		"1 of 2 answers, with a limit of ":                             4,
		"request 40 fails: answered 500":                               2,
		"error: group: request 40: answered 500 Internal Server Error": 2,
		"40 accepted = ":                                               2,
	} {
		if n := len(got.lines(line)); n != want {
			t.Errorf("timeouts: %d lines with %q, want %d; standard output\n%s", n, line, want, got.stdout)
		}
	}
}

// Servers of the user's own. The second one learns that the client does not
// wait for it any more.
func TestOwnServers(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 3)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 1<<20))
	}))
	defer first.Close()
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The limit holds to the end of the answer, not to its beginning.
		w.Write([]byte("one moment"))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer second.Close()
	for scene, count := range map[string]int{"sum": 1, "shared": 3} {
		got := run(t.Context(), scene, "-limit", "500ms", first.URL, second.URL)
		for range count {
			select {
			case <-gone:
			case <-t.Context().Done():
			}
		}
		if got.code != 0 || got.stderr != "" {
			t.Errorf("timeouts %s URL URL: exit code %d, standard error %q; want 0 and none", scene, got.code, got.stderr)
		}
		for _, line := range []string{"first answer: 200 OK, 1048576 bytes", "  1 of 2 answers, "} {
			if n := len(got.lines(line)); n != count {
				t.Errorf("timeouts %s URL URL: %d lines with %q, want %d; standard output\n%s", scene, n, line, count, got.stdout)
			}
		}
		if scene == "sum" && len(got.lines("error: reading the answer: context deadline exceeded (Client.Timeout ")) != 1 {
			t.Errorf("timeouts sum URL URL: no timeout in the middle of the answer; standard output\n%s", got.stdout)
		}
	}
}

// What is no part of a scene ends the program.
func TestFailures(t *testing.T) {
	notFound := httptest.NewServer(http.NotFoundHandler())
	defer notFound.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for url, want := range map[string]string{
		notFound.URL:   "timeouts: sum: answered 404 Not Found\n",
		closed.URL:     "connection refused\n",
		"ftp://a.test": "unsupported protocol scheme \"ftp\"\n",
	} {
		got := run(t.Context(), "sum", url, url)
		if got.code != 1 || !strings.HasSuffix(got.stderr, want) {
			t.Errorf("timeouts sum with %s: exit code %d, standard error %q; want 1 and %q", url, got.code, got.stderr, want)
		}
	}

	full := errors.New("no more ports")
	for scene := range strings.FieldsSeq("sum shared handle tasks") {
		var stdout, stderr strings.Builder
		listen := func() (net.Listener, error) { return nil, full }
		code := timeouts.RunWith(t.Context(), []string{scene}, &stdout, &stderr, listen, nil)
		if want := "timeouts: servers: no more ports\n"; code != 1 || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("timeouts %s without servers: exit code %d, standard error %q, standard output %q; want 1, %q and none",
				scene, code, stderr.String(), stdout.String(), want)
		}
	}
}
