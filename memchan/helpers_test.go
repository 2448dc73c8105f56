package memchan_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/memchan"
)

// errBoom is a reason to cancel something.
var errBoom = errors.New("boom")

// noContext is nil in a way that linters let pass.
var noContext context.Context

// checkReceived checks what a call gave that received something.
func checkReceived[T comparable](t *testing.T, call string, v T, err error, want T) {
	t.Helper()
	if v != want || err != nil {
		t.Errorf("%s = %v, %v, want %v, nil", call, v, err, want)
	}
}

// checkFailed checks that a call which should receive something has failed with want
// itself, and the zero value.
func checkFailed[T comparable](t *testing.T, call string, v T, err, want error) {
	t.Helper()
	var zero T
	if v != zero || err != want {
		t.Errorf("%s = %v, %v, want %v, %v itself", call, v, err, zero, want)
	}
}

// checkStats compares the state of a channel, which must be the same from either side.
func checkStats[T any](t *testing.T, when string, s *memchan.Sender[T], r *memchan.Receiver[T], want memchan.Stats) {
	t.Helper()
	if got := s.Stats(); got != want {
		t.Errorf("Sender.Stats %s = %+v, want %+v", when, got, want)
	}
	if got := r.Stats(); got != want {
		t.Errorf("Receiver.Stats %s = %+v, want %+v", when, got, want)
	}
}

// checkOrder compares what happened with what should have, in order.
func checkOrder[T comparable](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// clone returns a clone of an open handle.
func clone[H any](t *testing.T, handle interface{ Clone() (H, error) }) H {
	t.Helper()
	h, err := handle.Clone()
	if err != nil {
		t.Fatalf("Clone of an open handle = %v, want nil", err)
	}
	return h
}

// A result is how a call of Send or Receive ended.
type result struct {
	v   int
	err error
}

// A call is a Send or a Receive in a goroutine of its own.
type call struct{ ended chan result }

// sending calls Send in a goroutine.
func sending(ctx context.Context, s *memchan.Sender[int], v int) call {
	c := call{make(chan result, 1)}
	go func() { c.ended <- result{v, s.Send(ctx, v)} }()
	return c
}

// receiving calls Receive in a goroutine.
func receiving(ctx context.Context, r *memchan.Receiver[int]) call {
	c := call{make(chan result, 1)}
	go func() {
		v, err := r.Receive(ctx)
		c.ended <- result{v, err}
	}()
	return c
}

// waits reports, in a bubble, whether the call blocks.
func (c call) waits() bool {
	synctest.Wait() // the call has ended, or blocks
	return len(c.ended) == 0
}

// checkWaits checks that the call blocks.
func (c call) checkWaits(t *testing.T, name string) {
	t.Helper()
	if !c.waits() {
		r := <-c.ended
		t.Errorf("%s = %d, %v, want it to block", name, r.v, r.err)
		c.ended <- r
	}
}

// check checks how the call has ended, without waiting for anything else than that.
func (c call) check(t *testing.T, name string, v int, err error) {
	t.Helper()
	if c.waits() {
		t.Errorf("%s blocks, want it to give %d, %v", name, v, err)
		return
	}
	if r := <-c.ended; r.v != v || r.err != err {
		t.Errorf("%s = %d, %v, want %d, %v", name, r.v, r.err, v, err)
	}
}
