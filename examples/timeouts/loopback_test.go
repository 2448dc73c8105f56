package main_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// All scenes with real servers. Their times are far enough apart for any
// machine: the first server answers at once, the second never.
func TestLoopback(t *testing.T) {
	t.Parallel()
	got := run(t.Context(), "all", "-first", "0s", "-second", "1h", "-limit", "700ms",
		"-requests", "200", "-every", "0s", "-work", "10ms", "-at-once", "20", "-fail", "200", "-hang", "3")
	if got.code != 0 || got.stderr != "" {
		t.Errorf("timeouts: exit code %d, standard error %q; want 0 and none", got.code, got.stderr)
	}
	var titles []string
	for line := range strings.Lines(got.stdout) {
		if title, _, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, " ") {
			titles = append(titles, title)
		}
	}
	want := []string{"sum", "shared, 1", "shared, 2", "shared, 3", "shared, 4", "handle", "tasks"}
	if !slices.Equal(titles, want) {
		t.Errorf("timeouts: scenes %q, want %q", titles, want)
	}
	if n := len(got.lines("as it should be")); n != len(want) {
		t.Errorf("timeouts: %d scenes ended as they should, want %d; standard output\n%s", n, len(want), got.stdout)
	}
	for _, line := range []string{"first answer: 200 OK, 15 bytes", "second request ends: "} {
		if n := len(got.lines(line)); n != 5 {
			t.Errorf("timeouts: %d lines with %q, want 5; standard output\n%s", n, line, got.stdout)
		}
	}
	for _, line := range got.lines("happened: group: ") {
		if !strings.HasPrefix(line, "happened: group: request 200: answered 500 Internal Server Error; 200 accepted = ") {
			t.Errorf("timeouts: a group ended with\n%s\nwant request 200 to have failed", line)
		}
	}
}

// Servers of the user's own. The second one learns that nobody waits for it
// any more.
func TestOwnServers(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 5)
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
	got := run(t.Context(), "shared", "-limit", "500ms", first.URL, second.URL)
	sum := run(t.Context(), "sum", "-limit", "500ms", first.URL, second.URL)
	for range 5 {
		select {
		case <-gone:
		case <-t.Context().Done():
		}
	}
	if got.code != 0 || got.stderr != "" {
		t.Errorf("timeouts shared URL URL: exit code %d, standard error %q; want 0 and none", got.code, got.stderr)
	}
	if n := len(got.lines("not judged")); n != 4 {
		t.Errorf("timeouts shared URL URL: %d scenes were not judged, want 4; standard output\n%s", n, got.stdout)
	}
	if n := len(sum.lines("happened: the first answer only, after ")); n != 1 || sum.code != 0 || !strings.Contains(sum.stdout, "with a timeout of http.Client\n") {
		t.Errorf("timeouts sum URL URL: exit code %d, standard error %q; want 0 and a timeout of http.Client in\n%s", sum.code, sum.stderr, sum.stdout)
	}
	if n := len(got.lines("first answer: 200 OK, 1048576 bytes")); n != 4 {
		t.Errorf("timeouts shared URL URL: %d first answers, want 4; standard output\n%s", n, got.stdout)
	}
	if n := len(got.lines("happened: the first answer only, after ")); n != 4 {
		t.Errorf("timeouts shared URL URL: %d times the first answer only, want 4; standard output\n%s", n, got.stdout)
	}
}

// What is no part of a scene ends the program.
func TestFailures(t *testing.T) {
	notFound := httptest.NewServer(http.NotFoundHandler())
	defer notFound.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for url, want := range map[string]string{
		notFound.URL: "timeouts: sum: answered 404 Not Found\n",
		closed.URL:   "connection refused\n",
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
		if want := "timeouts: " + scene + ": servers: body: no more ports\n"; code != 1 || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("timeouts %s without servers: exit code %d, standard error %q, standard output %q; want 1, %q and none",
				scene, code, stderr.String(), stdout.String(), want)
		}
	}

	read, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	var stderr strings.Builder
	code := timeouts.Run(t.Context(), []string{"sum", "-first", "0s", "-second", "0s"}, read, &stderr)
	if code != 1 || !strings.HasPrefix(stderr.String(), "timeouts: sum: write ") {
		t.Errorf("timeouts sum to what cannot be written: exit code %d, standard error %q; want 1 and the error", code, stderr.String())
	}
}
