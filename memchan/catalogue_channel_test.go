package memchan_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/memchan"
)

// catalogue: trio/test_channel.py::test_channel
func TestBuffered(t *testing.T) {
	checkPanics(t, "Open(-1)", "memchan: Open with a negative capacity: ", func() { memchan.Open[int](-1) })

	ctx := t.Context()
	s, r := memchan.Open[int](2)
	defer r.Close()
	v, err := r.TryReceive()
	checkFailed(t, "TryReceive from an empty channel", v, err, memchan.ErrWouldBlock)
	checkError(t, "TrySend(1)", s.TrySend(1), nil)
	checkError(t, "Send(2)", s.Send(ctx, 2), nil)
	checkError(t, "TrySend to a full channel", s.TrySend(3), memchan.ErrWouldBlock)
	v, err = r.Receive(ctx)
	checkReceived(t, "Receive", v, err, 1)
	v, err = r.TryReceive()
	checkReceived(t, "TryReceive", v, err, 2)
	_, err = r.TryReceive()
	checkError(t, "TryReceive from a channel that is empty again", err, memchan.ErrWouldBlock)

	checkError(t, "Send(3)", s.Send(ctx, 3), nil)
	checkError(t, "TrySend(4)", s.TrySend(4), nil)
	for range 2 {
		s.Close() // the second time does nothing
		checkError(t, "Send on a closed handle", s.Send(ctx, 5), memchan.ErrClosed)
		checkError(t, "TrySend on a closed handle", s.TrySend(5), memchan.ErrClosed)
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
	inBubble(t, "leaves the queue", func(t *testing.T) {
		s, r := memchan.Open[string](1)
		start := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errBoom)
		defer cancel()
		v, err := r.Receive(ctx)
		checkFailed(t, "Receive with a timeout", v, err, errBoom)
		checkElapsed(t, "Receive with a timeout", start, 10*time.Second)

		checkError(t, "Send after that", s.Send(t.Context(), "Test for PR #553"), nil)
		checkElapsed(t, "Send after that", start, 10*time.Second)
		if got := s.Stats().Buffered; got != 1 {
			t.Errorf("Stats after that: %d buffered, want 1", got)
		}
	})
}

// catalogue: trio/test_channel.py::test_channel_multiple_producers
func TestProducers(t *testing.T) {
	inBubble(t, "end the channel together", func(t *testing.T) {
		const producers, each = 3, 10
		s, r := memchan.Open[int](0)
		for p := range producers {
			own := clone(t, s)
			go func() {
				defer own.Close()
				for i := range each {
					checkError(t, "Send", own.Send(t.Context(), p*each+i), nil)
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
	inBubble(t, "share the values of one handle", func(t *testing.T) {
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
			checkError(t, "Send", s.Send(t.Context(), v), nil)
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

// Go has one way to close a handle, which does what both of Trio's do.
//
// catalogue: trio/test_channel.py::test_close_basics
// catalogue: trio/test_channel.py::test_close_sync
func TestClose(t *testing.T) {
	inBubble(t, "a sender in which a call waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		send := sending(t.Context(), s, 1)
		send.checkWaits(t, "Send")
		s.Close()
		send.check(t, "Send on a handle that was closed meanwhile", 1, memchan.ErrClosed)
		checkError(t, "TrySend", s.TrySend(1), memchan.ErrClosed)
		checkError(t, "Send", s.Send(t.Context(), 1), memchan.ErrClosed)
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive", v, err, memchan.ErrEndOfChannel)
		v, err = r.Receive(t.Context())
		checkFailed(t, "Receive", v, err, memchan.ErrEndOfChannel)
	})

	inBubble(t, "the sender while a Receive waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		s.Close()
		receive.check(t, "Receive when the last sender is closed", 0, memchan.ErrEndOfChannel)
	})

	inBubble(t, "the receiver while a Send waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		send := sending(t.Context(), s, 1)
		send.checkWaits(t, "Send")
		r.Close()
		send.check(t, "Send when the last receiver is closed", 1, memchan.ErrBroken)
		checkError(t, "TrySend", s.TrySend(1), memchan.ErrBroken)
		checkError(t, "Send", s.Send(t.Context(), 1), memchan.ErrBroken)
	})

	inBubble(t, "a receiver in which a call waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		r.Close()
		receive.check(t, "Receive on a handle that was closed meanwhile", 0, memchan.ErrClosed)
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive", v, err, memchan.ErrClosed)
		v, err = r.Receive(t.Context())
		checkFailed(t, "Receive", v, err, memchan.ErrClosed)
		checkError(t, "Send", s.Send(t.Context(), 1), memchan.ErrBroken)
	})
}

// catalogue: trio/test_channel.py::test_receive_channel_clone_and_close
func TestCloneOfReceiver(t *testing.T) {
	s, r := memchan.Open[int](10)
	r2 := clone(t, r)
	r3 := clone(t, r)
	checkError(t, "TrySend", s.TrySend(1), nil)
	r.Close()
	if c, err := r.Clone(); c != nil || err != memchan.ErrClosed {
		t.Errorf("Clone of a closed handle = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
	}
	checkError(t, "TrySend with two receivers left", s.TrySend(2), nil)
	r2.Close()
	checkError(t, "TrySend with one receiver left", s.TrySend(3), nil)
	v, err := r3.TryReceive()
	checkReceived(t, "TryReceive of the one that is left", v, err, 1)
	r3.Close()
	checkError(t, "TrySend with no receiver left", s.TrySend(4), memchan.ErrBroken)
	checkError(t, "Send with no receiver left", s.Send(t.Context(), 4), memchan.ErrBroken)
}

// catalogue: trio/test_channel.py::test_close_multiple_send_handles
func TestCloseOneSender(t *testing.T) {
	inBubble(t, "of two, while a call waits in it", func(t *testing.T) {
		s1, r := memchan.Open[int](0)
		s2 := clone(t, s1)
		first, second := sending(t.Context(), s1, 1), sending(t.Context(), s2, 2)
		first.checkWaits(t, "Send on the first handle")
		s1.Close()
		first.check(t, "Send on the handle that was closed", 1, memchan.ErrClosed)
		second.checkWaits(t, "Send on the other handle")
		v, err := r.TryReceive()
		checkReceived(t, "TryReceive", v, err, 2)
		second.check(t, "Send on the other handle", 2, nil)
	})
}

// catalogue: trio/test_channel.py::test_close_multiple_receive_handles
func TestCloseOneReceiver(t *testing.T) {
	inBubble(t, "of two, while a call waits in it", func(t *testing.T) {
		s, r1 := memchan.Open[int](0)
		r2 := clone(t, r1)
		first, second := receiving(t.Context(), r1), receiving(t.Context(), r2)
		first.checkWaits(t, "Receive on the first handle")
		r1.Close()
		first.check(t, "Receive on the handle that was closed", 0, memchan.ErrClosed)
		second.checkWaits(t, "Receive on the other handle")
		checkError(t, "TrySend", s.TrySend(7), nil)
		second.check(t, "Receive on the other handle", 7, nil)
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
		checkError(t, "sending without a limit", err, nil)
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
	inBubble(t, "of both ends", func(t *testing.T) {
		s, r := memchan.Open[int](2)
		want := memchan.Stats{Capacity: 2, OpenSenders: 1, OpenReceivers: 1}
		check := func(when string) { t.Helper(); checkStats(t, when, s, r, want) }
		check("at first")
		checkError(t, "TrySend", s.TrySend(1), nil)
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
		checkError(t, "TrySend", s2.TrySend(2), nil)
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

		checkError(t, "TrySend", s2.TrySend(9), nil)
		r.Close()
		want.OpenReceivers, want.Discarded = 0, 1
		check("with the last receiver closed over a value")
	})
}

// catalogue: trio/test_channel.py::test_channel_fairness
func TestFairness(t *testing.T) {
	inBubble(t, "a value belongs to the receiver that waits", func(t *testing.T) {
		s, r := memchan.Open[int](1)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		checkError(t, "TrySend", s.TrySend(1), nil)
		// The one that waits has not run yet.
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive right after", v, err, memchan.ErrWouldBlock)
		receive.check(t, "Receive", 1, nil)
	})

	inBubble(t, "a slot belongs to the sender that waits", func(t *testing.T) {
		s, r := memchan.Open[int](1)
		checkError(t, "TrySend", s.TrySend(1), nil)
		send := sending(t.Context(), s, 2)
		send.checkWaits(t, "Send to a full channel")
		v, err := r.TryReceive()
		checkReceived(t, "TryReceive", v, err, 1)
		checkError(t, "TrySend right after", s.TrySend(3), memchan.ErrWouldBlock)
		send.check(t, "Send", 2, nil)
		v, err = r.TryReceive()
		checkReceived(t, "TryReceive", v, err, 2)
		_, err = r.TryReceive()
		checkError(t, "TryReceive from an empty channel", err, memchan.ErrWouldBlock)
	})
}

// catalogue: trio/test_channel.py::test_unbuffered
func TestRendezvous(t *testing.T) {
	inBubble(t, "needs both", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		_, err := r.TryReceive()
		checkError(t, "TryReceive without a sender", err, memchan.ErrWouldBlock)
		checkError(t, "TrySend without a receiver", s.TrySend(1), memchan.ErrWouldBlock)

		send := sending(t.Context(), s, 2)
		send.checkWaits(t, "Send")
		v, err := r.Receive(t.Context())
		checkReceived(t, "Receive", v, err, 2)
		send.check(t, "Send that is received", 2, nil)

		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		checkError(t, "Send to a Receive that waits", s.Send(t.Context(), 3), nil)
		receive.check(t, "Receive", 3, nil)

		checkError(t, "TrySend after both", s.TrySend(4), memchan.ErrWouldBlock)
		_, err = r.TryReceive()
		checkError(t, "TryReceive after both", err, memchan.ErrWouldBlock)
		checkStats(t, "after both", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1})
	})
}
