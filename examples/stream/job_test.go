package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	stream "github.com/trellis-go/trellis/examples/stream"
)

func TestJobs(t *testing.T) {
	for _, test := range []struct{ text, value, err string }{
		{`{"kind":"sleep"}`, "slept 0s", ""},
		{`{"kind":"hash"}`, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""},
		{`{"kind":"hash","text":"abc","rounds":1}`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ""},
		{`{"kind":"hash","text":"abc","rounds":2}`, "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358", ""},

		{`null`, "", "no kind of job"},
		{`{}`, "", "no kind of job"},
		{`[]`, "", "not a job: is of the wrong type: array"},
		{`{"kind":"sing"}`, "", `unknown kind of job "sing"`},
		{`{"kind":"sleep","sm":1}`, "", `not a job: must not have the field "sm"`},
		{`{"kind":"sleep","ms":"1"}`, "", `not a job: has a field "ms" of the wrong type: string`},
		{`{"kind":"sleep","ms":-1}`, "", "ms -1: must be 0 to 60000"},
		{`{"kind":"sleep","ms":60001}`, "", "ms 60001: must be 0 to 60000"},
		{`{"kind":"sleep","ms":1e100}`, "", `not a job: has a field "ms" of the wrong type: number 1e100`},
		{`{"kind":"hash","rounds":-1}`, "", "rounds -1: must be 0 to 100000000"},
		{`{"kind":"hash","rounds":100000001}`, "", "rounds 100000001: must be"},
	} {
		value, err := stream.DoJob(t.Context(), test.text)
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) || test.err == "" && (err != nil || value != test.value) {
			t.Errorf("DoJob(%s) = %q, %v; want %q, error with %q", test.text, value, err, test.value, test.err)
		}
	}
}

// Every kind of job ends when it is canceled, those that compute as well as
// those that wait. A hundred million rounds would take seconds.
func TestJobsCanceled(t *testing.T) {
	reason := errors.New("enough")
	for _, text := range []string{
		`{"kind":"sleep","ms":60000}`,
		`{"kind":"hash","rounds":100000000}`,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if value, err := stream.DoJob(ctx, text); err != reason {
			t.Errorf("DoJob(%s) under a canceled context = %q, %v; want the cause", text, value, err)
		}
	}
}

func TestSleepJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		value, err := stream.DoJob(t.Context(), `{"kind":"sleep","ms":1500}`)
		if took := time.Since(begin); value != "slept 1.5s" || err != nil || took != 1500*time.Millisecond {
			t.Errorf("sleep = %q, %v after %v; want slept 1.5s after 1.5s", value, err, took)
		}
	})
}

// The limits of a message.
func TestMessageLimits(t *testing.T) {
	h := loopback(t, stream.Settings{Do: newStage().do})
	c := h.tab("a")
	refused := func(why string) {
		t.Helper()
		if e := c.next(); e.Type != "refused" || !strings.Contains(e.Error, why) {
			t.Fatalf("message %+v, want refused with %q", e, why)
		}
	}
	number := uint64(0)
	accepted := func(n int) {
		t.Helper()
		c.expect(started(number, n))
		for range n {
			c.next()
		}
		c.expect(finished(number, n))
	}
	press := func(text string) {
		number++
		c.press(text)
	}
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]" }

	press(list(stream.MaxJobs))
	accepted(stream.MaxJobs)
	press(list(stream.MaxJobs + 1))
	refused(fmt.Sprintf("%d jobs, at most %d", stream.MaxJobs+1, stream.MaxJobs))

	press("[]" + strings.Repeat(" ", stream.MaxMessage-2))
	accepted(0)
	for text, why := range map[string]string{
		"":      "must be JSON",
		"[":     "must be JSON",
		"[] []": "must be JSON",
		"null":  "not a JSON list",
		`"[]"`:  "not a JSON list",
	} {
		press(text)
		refused(why)
	}
	press("[]") // the connection has survived all that
	accepted(0)
	press("[]" + strings.Repeat(" ", stream.MaxMessage-1))
	c.closed(websocket.StatusMessageTooBig, "")
}
