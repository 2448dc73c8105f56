package memchan_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

// manyCalls is more calls than it takes to start a watcher.
const manyCalls = 50

func TestFirstComeFirstServed(t *testing.T) {
	bubbletest.Run(t, "receivers", func(t *testing.T) {
		s, r := memchan.Open[int](3)
		handles := []*memchan.Receiver[int]{r, clone(t, r), clone(t, r)}
		var calls []call
		for i := range manyCalls {
			calls = append(calls, receiving(t.Context(), handles[i%3]))
			synctest.Wait() // the call is in the queue
		}
		if !memchan.HasWatcher(s) {
			t.Errorf("%d receivers wait under one context without a watcher, want one", manyCalls)
		}
		for v := range manyCalls {
			bubbletest.CheckError(t, "TrySend to calls that wait", s.TrySend(v), nil)
		}
		for v, c := range calls {
			c.check(t, "Receive", v, nil)
		}
		checkStats(t, "after all", s, r, memchan.Stats{Capacity: 3, OpenSenders: 1, OpenReceivers: 3})
	})

	bubbletest.Run(t, "senders", func(t *testing.T) {
		s, r := memchan.Open[int](3)
		handles := []*memchan.Sender[int]{s, clone(t, s), clone(t, s)}
		var calls []call
		for v := range manyCalls {
			calls = append(calls, sending(t.Context(), handles[v%3], v))
			synctest.Wait() // the call has ended, or is in the queue
		}
		if !memchan.HasWatcher(s) {
			t.Errorf("%d senders wait under one context without a watcher, want one", manyCalls)
		}
		for v := range manyCalls {
			got, err := r.TryReceive()
			checkReceived(t, "TryReceive", got, err, v)
			if next := v + 3; next < manyCalls { // the Send that has got the slot
				calls[next].check(t, "Send", next, nil)
			}
			if after := v + 4; after < manyCalls {
				calls[after].checkWaits(t, "Send of the next one")
			}
		}
	})

	bubbletest.Run(t, "whatever has ended meanwhile", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		r2 := clone(t, r)
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls []call
		for i := range manyCalls {
			switch {
			case i%3 == 1:
				calls = append(calls, receiving(ctx, r))
			case i%7 == 3:
				calls = append(calls, receiving(t.Context(), r2))
			default:
				calls = append(calls, receiving(t.Context(), r))
			}
			synctest.Wait() // the call is in the queue
		}
		cancel(errBoom)
		r2.Close()
		v := 0
		for i, c := range calls {
			switch {
			case i%3 == 1:
				c.check(t, "Receive that was canceled", 0, errBoom)
			case i%7 == 3:
				c.check(t, "Receive on a handle that was closed", 0, memchan.ErrClosed)
			default:
				bubbletest.CheckError(t, "TrySend", s.TrySend(v), nil)
				c.check(t, "Receive of the next one", v, nil)
				v++
			}
		}
		checkStats(t, "after all", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1})
	})
}

// The buffer is a ring that grows: whatever the state that it grows in, nothing may
// change its place.
func TestBufferKeepsOrder(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		capacity := 1 + rng.IntN(100)
		if rng.IntN(3) == 0 {
			capacity = memchan.Unbounded
		}
		s, r := memchan.Open[int](capacity)
		var want []int
		peak := 0
		for v := range 2000 {
			if rng.IntN(1000) < 400+v/10 {
				err := s.TrySend(v)
				switch {
				case len(want) == capacity:
					bubbletest.CheckError(t, "TrySend to a full channel", err, memchan.ErrWouldBlock)
				case err == nil:
					want = append(want, v)
					peak = max(peak, len(want))
				default:
					t.Errorf("TrySend with %d of %d = %v, want nil", len(want), capacity, err)
				}
			} else {
				got, err := r.TryReceive()
				if len(want) == 0 {
					checkFailed(t, "TryReceive from an empty channel", got, err, memchan.ErrWouldBlock)
				} else {
					checkReceived(t, "TryReceive", got, err, want[0])
					want = want[1:]
				}
			}
			if got := s.Stats(); got.Buffered != len(want) || got.Peak != peak {
				t.Errorf("Stats: %d buffered, peak %d, want %d, %d", got.Buffered, got.Peak, len(want), peak)
			}
			if t.Failed() {
				t.Fatalf("capacity %d, seed %#x", capacity, seed)
			}
		}
		if slots := memchan.Slots(s); slots > capacity {
			t.Errorf("the buffer has %d slots, want at most the capacity, %d", slots, capacity)
		}
		s.Close()
		var rest []int
		for v := range r.All(t.Context()) {
			rest = append(rest, v)
		}
		if !slices.Equal(rest, want) {
			t.Errorf("All = %v, want %v; capacity %d, seed %#x", rest, want, capacity, seed)
		}
	}
}

// catalogue: trio/test_channel.py::test_channel_fairness
func TestFairness(t *testing.T) {
	bubbletest.Run(t, "a value belongs to the receiver that waits", func(t *testing.T) {
		s, r := memchan.Open[int](1)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		// The one that waits has not run yet.
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive right after", v, err, memchan.ErrWouldBlock)
		receive.check(t, "Receive", 1, nil)
	})

	bubbletest.Run(t, "a slot belongs to the sender that waits", func(t *testing.T) {
		s, r := memchan.Open[int](1)
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		send := sending(t.Context(), s, 2)
		send.checkWaits(t, "Send to a full channel")
		v, err := r.TryReceive()
		checkReceived(t, "TryReceive", v, err, 1)
		bubbletest.CheckError(t, "TrySend right after", s.TrySend(3), memchan.ErrWouldBlock)
		send.check(t, "Send", 2, nil)
		v, err = r.TryReceive()
		checkReceived(t, "TryReceive", v, err, 2)
		_, err = r.TryReceive()
		bubbletest.CheckError(t, "TryReceive from an empty channel", err, memchan.ErrWouldBlock)
	})
}

// catalogue: trio/test_channel.py::test_unbuffered
func TestRendezvous(t *testing.T) {
	bubbletest.Run(t, "needs both", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		_, err := r.TryReceive()
		bubbletest.CheckError(t, "TryReceive without a sender", err, memchan.ErrWouldBlock)
		bubbletest.CheckError(t, "TrySend without a receiver", s.TrySend(1), memchan.ErrWouldBlock)

		send := sending(t.Context(), s, 2)
		send.checkWaits(t, "Send")
		v, err := r.Receive(t.Context())
		checkReceived(t, "Receive", v, err, 2)
		send.check(t, "Send that is received", 2, nil)

		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		bubbletest.CheckError(t, "Send to a Receive that waits", s.Send(t.Context(), 3), nil)
		receive.check(t, "Receive", 3, nil)

		bubbletest.CheckError(t, "TrySend after both", s.TrySend(4), memchan.ErrWouldBlock)
		_, err = r.TryReceive()
		bubbletest.CheckError(t, "TryReceive after both", err, memchan.ErrWouldBlock)
		checkStats(t, "after both", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1})
	})
}
