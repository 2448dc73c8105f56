package main_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// All scenes with real servers. Their times are far enough apart for any machine: the first
// server answers at once, the second never.
func TestLoopback(t *testing.T) {
	var story bytes.Buffer
	listen := func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	err := timeouts.Run(t.Context(), []string{"-first", "0s", "-second", "1h", "-limit", "700ms", "-fail", "40"}, &story, listen, &http.Transport{})
	got := outcome{err, story.String()}
	for line, want := range map[string]int{
		"first answer: 200 OK, 15 bytes":         4,
		"1 of 2 answers, with a limit of ":       4,
		"error: request 40: the server answered": 1,
		"the quick answer: 200 OK, 18 bytes":     1,
	} {
		if n := len(got.lines(line)); n != want || err != nil {
			t.Errorf("timeouts = %v, %d lines with %q, want %d; it says\n%s", err, n, line, want, got.story)
		}
	}
}

// What is no part of a scene ends the program.
func TestFailures(t *testing.T) {
	full := errors.New("no more ports")
	var story strings.Builder
	err := timeouts.Run(t.Context(), []string{"sum"}, &story, func() (net.Listener, error) { return nil, full }, nil)
	if !errors.Is(err, full) || story.Len() > 0 {
		t.Errorf("timeouts sum without servers = %v, it says %q, want %v, nothing", err, story.String(), full)
	}

	lost := errors.New("no space")
	n := new(network)
	err = timeouts.Run(t.Context(), []string{"-second", "1h", "-limit", "2h"}, failing{lost}, n.listen, n.transport())
	if !errors.Is(err, lost) {
		t.Errorf("timeouts to a full disk = %v, want %v", err, lost)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := timeouts.Run(ctx, nil, &story, new(network).listen, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("timeouts under a context that is done = %v, want the cancellation", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
