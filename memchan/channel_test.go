package memchan_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

func TestMisuse(t *testing.T) {
	s, r := memchan.Open[int](1)
	var zeroS memchan.Sender[int]
	var zeroR memchan.Receiver[int]
	tests := []struct {
		call, want string
		f          func()
	}{
		{"Open(-1)", "memchan: Open with a negative capacity: pass 0 ", func() { memchan.Open[int](-1) }},
		{"Send(nil, 1)", "memchan: Send with a nil context: pass context.Background()", func() { _ = s.Send(noContext, 1) }},
		{"Receive(nil)", "memchan: Receive with a nil context: pass context.Background()", func() { _, _ = r.Receive(noContext) }},
		{"All(nil)", "memchan: All with a nil context: pass context.Background()", func() { r.All(noContext) }},
		{"Send(nil, 1) on a zero Sender", "memchan: Send with a nil context", func() { _ = zeroS.Send(noContext, 1) }},
		{"Receive(nil) on a zero Receiver", "memchan: Receive with a nil context", func() { _, _ = zeroR.Receive(noContext) }},
	}
	for _, test := range tests {
		bubbletest.CheckPanics(t, test.call, test.want, test.f)
	}
	if got := s.Stats().Buffered; got != 0 {
		t.Errorf("%d values in the buffer after a call that was refused, want 0", got)
	}
}

func TestZeroHandles(t *testing.T) {
	var s memchan.Sender[int]
	var r memchan.Receiver[int]
	bubbletest.CheckError(t, "Send", s.Send(t.Context(), 1), memchan.ErrClosed)
	bubbletest.CheckError(t, "TrySend", s.TrySend(1), memchan.ErrClosed)
	v, err := r.Receive(t.Context())
	checkFailed(t, "Receive", v, err, memchan.ErrClosed)
	v, err = r.TryReceive()
	checkFailed(t, "TryReceive", v, err, memchan.ErrClosed)
	if c, err := s.Clone(); c != nil || err != memchan.ErrClosed {
		t.Errorf("Clone = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
	}
	if c, err := r.Clone(); c != nil || err != memchan.ErrClosed {
		t.Errorf("Clone = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
	}
	s.Close()
	r.Close()
	checkStats(t, "of nothing", &s, &r, memchan.Stats{})

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	bubbletest.CheckError(t, "Send under a context that is done", s.Send(ctx, 1), errBoom)
	_, err = r.Receive(ctx)
	bubbletest.CheckError(t, "Receive under a context that is done", err, errBoom)
}

func TestAll(t *testing.T) {
	bubbletest.Run(t, "can be left and resumed", func(t *testing.T) {
		s, r := memchan.Open[int](5)
		for v := range 5 {
			s.TrySend(v)
		}
		all := r.All(t.Context())
		var got []int
		for range 2 {
			for v := range all {
				got = append(got, v)
				if len(got)%2 == 0 {
					break
				}
			}
		}
		checkOrder(t, "two loops of two", got, 0, 1, 2, 3)
		checkStats(t, "after them", s, r, memchan.Stats{Capacity: 5, Buffered: 1, Peak: 5, OpenSenders: 1, OpenReceivers: 1})
		s.Close()
		for v := range all {
			got = append(got, v)
		}
		checkOrder(t, "with the rest", got, 0, 1, 2, 3, 4)
	})

	bubbletest.Run(t, "ends with an error that is not the end", func(t *testing.T) {
		s, r := memchan.Open[int](5)
		s.TrySend(1)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		start := time.Now()
		var values []int
		var errs []error
		for v, err := range r.All(ctx) {
			values, errs = append(values, v), append(errs, err)
		}
		bubbletest.CheckElapsed(t, "All", start, time.Second)
		checkOrder(t, "values", values, 1, 0)
		checkOrder(t, "errors", errs, nil, errBoom)

		r.Close()
		values, errs = nil, nil
		for v, err := range r.All(t.Context()) {
			values, errs = append(values, v), append(errs, err)
		}
		checkOrder(t, "values on a closed handle", values, 0)
		checkOrder(t, "errors on a closed handle", errs, memchan.ErrClosed)
	})
}

// Under a context that is never done there is nothing to watch.
func TestBackground(t *testing.T) {
	bubbletest.Run(t, "waits and ends as any other", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(context.Background(), r)
		receive.checkWaits(t, "Receive")
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		receive.check(t, "Receive", 1, nil)
		send := sending(context.Background(), s, 2)
		send.checkWaits(t, "Send")
		r.Close()
		send.check(t, "Send", 2, memchan.ErrBroken)
		if memchan.HasWatcher(s) {
			t.Error("there is a watcher under context.Background, want none")
		}
	})
}

// catalogue: trio/test_channel.py::test_channel
func TestBuffered(t *testing.T) {
	ctx := t.Context()
	s, r := memchan.Open[int](2)
	defer r.Close()
	v, err := r.TryReceive()
	checkFailed(t, "TryReceive from an empty channel", v, err, memchan.ErrWouldBlock)
	bubbletest.CheckError(t, "TrySend(1)", s.TrySend(1), nil)
	bubbletest.CheckError(t, "Send(2)", s.Send(ctx, 2), nil)
	bubbletest.CheckError(t, "TrySend to a full channel", s.TrySend(3), memchan.ErrWouldBlock)
	v, err = r.Receive(ctx)
	checkReceived(t, "Receive", v, err, 1)
	v, err = r.TryReceive()
	checkReceived(t, "TryReceive", v, err, 2)
	_, err = r.TryReceive()
	bubbletest.CheckError(t, "TryReceive from a channel that is empty again", err, memchan.ErrWouldBlock)

	bubbletest.CheckError(t, "Send(3)", s.Send(ctx, 3), nil)
	bubbletest.CheckError(t, "TrySend(4)", s.TrySend(4), nil)
	for range 2 {
		s.Close() // the second time does nothing
		bubbletest.CheckError(t, "Send on a closed handle", s.Send(ctx, 5), memchan.ErrClosed)
		bubbletest.CheckError(t, "TrySend on a closed handle", s.TrySend(5), memchan.ErrClosed)
		if c, err := s.Clone(); c != nil || err != memchan.ErrClosed {
			t.Errorf("Clone of a closed handle = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
		}
	}
	v, err = r.Receive(ctx)
	checkReceived(t, "Receive after the sender was closed", v, err, 3)
	v, err = r.TryReceive()
	checkReceived(t, "TryReceive after the sender was closed", v, err, 4)
	for range 2 {
		v, err = r.Receive(ctx)
		checkFailed(t, "Receive at the end", v, err, memchan.ErrEndOfChannel)
		v, err = r.TryReceive()
		checkFailed(t, "TryReceive at the end", v, err, memchan.ErrEndOfChannel)
	}

	for range 2 {
		r.Close()
		v, err = r.Receive(ctx)
		checkFailed(t, "Receive on a closed handle", v, err, memchan.ErrClosed)
		v, err = r.TryReceive()
		checkFailed(t, "TryReceive on a closed handle", v, err, memchan.ErrClosed)
		if c, err := r.Clone(); c != nil || err != memchan.ErrClosed {
			t.Errorf("Clone of a closed handle = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
		}
	}
}

// catalogue: trio/test_channel.py::test_553
func TestTimedOutReceive(t *testing.T) {
	bubbletest.Run(t, "leaves the queue", func(t *testing.T) {
		s, r := memchan.Open[string](1)
		start := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errBoom)
		defer cancel()
		v, err := r.Receive(ctx)
		checkFailed(t, "Receive with a timeout", v, err, errBoom)
		bubbletest.CheckElapsed(t, "Receive with a timeout", start, 10*time.Second)

		bubbletest.CheckError(t, "Send after that", s.Send(t.Context(), "Test for PR #553"), nil)
		bubbletest.CheckElapsed(t, "Send after that", start, 10*time.Second)
		if got := s.Stats().Buffered; got != 1 {
			t.Errorf("Stats after that: %d buffered, want 1", got)
		}
	})
}

// catalogue: trio/test_channel.py::test_channel_multiple_producers
func TestProducers(t *testing.T) {
	bubbletest.Run(t, "end the channel together", func(t *testing.T) {
		const producers, each = 3, 10
		s, r := memchan.Open[int](0)
		for p := range producers {
			own := clone(t, s)
			go func() {
				defer own.Close()
				for i := range each {
					bubbletest.CheckError(t, "Send", own.Send(t.Context(), p*each+i), nil)
				}
			}()
		}
		s.Close()
		var got, want []int
		for v, err := range r.All(t.Context()) {
			if err != nil {
				t.Errorf("All = %v, want the end after the last clone was closed", err)
			}
			got = append(got, v)
		}
		for i := range producers * each {
			want = append(want, i)
		}
		slices.Sort(got)
		checkOrder(t, "values, sorted", got, want...)
	})
}

// catalogue: trio/test_channel.py::test_channel_multiple_consumers
func TestConsumers(t *testing.T) {
	bubbletest.Run(t, "share the values of one handle", func(t *testing.T) {
		const consumers, values = 5, 10
		s, r := memchan.Open[int](1)
		got := make([][]int, consumers)
		var all sync.WaitGroup
		for c := range consumers {
			all.Go(func() {
				for v, err := range r.All(t.Context()) {
					if err != nil {
						t.Errorf("All = %v, want the end", err)
					}
					got[c] = append(got[c], v)
				}
			})
		}
		synctest.Wait() // all consumers wait
		for v := range values {
			bubbletest.CheckError(t, "Send", s.Send(t.Context(), v), nil)
		}
		s.Close()
		all.Wait()
		for c, values := range got {
			if len(values) == 0 {
				t.Errorf("consumer %d, which waited before the first Send, got nothing, want a value", c)
			}
		}
		sorted := slices.Concat(got...)
		slices.Sort(sorted)
		checkOrder(t, "values of all consumers, sorted", sorted, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	})
}

// catalogue: trio/test_channel.py::test_inf_capacity
func TestUnbounded(t *testing.T) {
	const values = 10_000
	s, r := memchan.Open[int](memchan.Unbounded)
	if got := s.Stats().Capacity; got != memchan.Unbounded {
		t.Errorf("Stats: capacity %d, want Unbounded, %d", got, memchan.Unbounded)
	}
	for i := range values {
		var err error
		if i%2 == 0 {
			err = s.TrySend(i)
		} else {
			err = s.Send(t.Context(), i)
		}
		bubbletest.CheckError(t, "sending without a limit", err, nil)
	}
	s.Close()
	next := 0
	for v, err := range r.All(t.Context()) {
		checkReceived(t, "receiving", v, err, next)
		next++
	}
	if next != values {
		t.Errorf("%d values received, want %d", next, values)
	}
}

// catalogue: trio/test_channel.py::test_statistics
func TestStats(t *testing.T) {
	bubbletest.Run(t, "of both ends", func(t *testing.T) {
		s, r := memchan.Open[int](2)
		want := memchan.Stats{Capacity: 2, OpenSenders: 1, OpenReceivers: 1}
		check := func(when string) { t.Helper(); checkStats(t, when, s, r, want) }
		check("at first")
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		want.Buffered, want.Peak = 1, 1
		check("with one value")

		s2 := clone(t, s)
		want.OpenSenders = 2
		check("with a second sender")
		s.Close()
		want.OpenSenders = 1
		check("with the first sender closed")
		r2 := clone(t, r)
		want.OpenReceivers = 2
		check("with a second receiver")
		r2.Close()
		want.OpenReceivers = 1
		check("with the second receiver closed")

		ctx, cancel := context.WithCancel(t.Context())
		bubbletest.CheckError(t, "TrySend", s2.TrySend(2), nil)
		for v := range 3 {
			sending(ctx, s2, 3+v)
		}
		synctest.Wait() // the buffer is full, and three senders wait
		want.Buffered, want.Peak, want.WaitingSenders = 2, 2, 3
		check("with senders that wait")
		cancel()
		synctest.Wait() // they have given up
		want.WaitingSenders = 0
		check("with senders that were canceled")

		for range 2 {
			r.TryReceive()
		}
		want.Buffered = 0 // the peak stays
		check("drained")
		ctx, cancel = context.WithCancel(t.Context())
		for range 2 {
			receiving(ctx, r)
		}
		synctest.Wait() // two receivers wait
		want.WaitingReceivers = 2
		check("with receivers that wait")
		cancel()
		synctest.Wait() // they have given up
		want.WaitingReceivers = 0
		check("with receivers that were canceled")

		bubbletest.CheckError(t, "TrySend", s2.TrySend(9), nil)
		r.Close()
		want.OpenReceivers, want.Discarded = 0, 1
		check("with the last receiver closed over a value")
	})
}
