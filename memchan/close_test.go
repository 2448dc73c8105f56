package memchan_test

import (
	"testing"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

// Go has one way to close a handle, which does what both of Trio's do.
//
// catalogue: trio/test_channel.py::test_close_basics
// catalogue: trio/test_channel.py::test_close_sync
func TestClose(t *testing.T) {
	bubbletest.Run(t, "a sender in which a call waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		send := sending(t.Context(), s, 1)
		send.checkWaits(t, "Send")
		s.Close()
		send.check(t, "Send on a handle that was closed meanwhile", 1, memchan.ErrClosed)
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), memchan.ErrClosed)
		bubbletest.CheckError(t, "Send", s.Send(t.Context(), 1), memchan.ErrClosed)
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive", v, err, memchan.ErrEndOfChannel)
		v, err = r.Receive(t.Context())
		checkFailed(t, "Receive", v, err, memchan.ErrEndOfChannel)
	})

	bubbletest.Run(t, "the sender while a Receive waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		s.Close()
		receive.check(t, "Receive when the last sender is closed", 0, memchan.ErrEndOfChannel)
	})

	bubbletest.Run(t, "the receiver while a Send waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		send := sending(t.Context(), s, 1)
		send.checkWaits(t, "Send")
		r.Close()
		send.check(t, "Send when the last receiver is closed", 1, memchan.ErrBroken)
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), memchan.ErrBroken)
		bubbletest.CheckError(t, "Send", s.Send(t.Context(), 1), memchan.ErrBroken)
	})

	bubbletest.Run(t, "a receiver in which a call waits", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(t.Context(), r)
		receive.checkWaits(t, "Receive")
		r.Close()
		receive.check(t, "Receive on a handle that was closed meanwhile", 0, memchan.ErrClosed)
		v, err := r.TryReceive()
		checkFailed(t, "TryReceive", v, err, memchan.ErrClosed)
		v, err = r.Receive(t.Context())
		checkFailed(t, "Receive", v, err, memchan.ErrClosed)
		bubbletest.CheckError(t, "Send", s.Send(t.Context(), 1), memchan.ErrBroken)
	})
}

// catalogue: trio/test_channel.py::test_receive_channel_clone_and_close
func TestCloneOfReceiver(t *testing.T) {
	s, r := memchan.Open[int](10)
	r2 := clone(t, r)
	r3 := clone(t, r)
	bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
	r.Close()
	if c, err := r.Clone(); c != nil || err != memchan.ErrClosed {
		t.Errorf("Clone of a closed handle = %v, %v, want nil, %v", c, err, memchan.ErrClosed)
	}
	bubbletest.CheckError(t, "TrySend with two receivers left", s.TrySend(2), nil)
	r2.Close()
	bubbletest.CheckError(t, "TrySend with one receiver left", s.TrySend(3), nil)
	v, err := r3.TryReceive()
	checkReceived(t, "TryReceive of the one that is left", v, err, 1)
	r3.Close()
	bubbletest.CheckError(t, "TrySend with no receiver left", s.TrySend(4), memchan.ErrBroken)
	bubbletest.CheckError(t, "Send with no receiver left", s.Send(t.Context(), 4), memchan.ErrBroken)
}

// catalogue: trio/test_channel.py::test_close_multiple_send_handles
func TestCloseOneSender(t *testing.T) {
	bubbletest.Run(t, "of two, while a call waits in it", func(t *testing.T) {
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
	bubbletest.Run(t, "of two, while a call waits in it", func(t *testing.T) {
		s, r1 := memchan.Open[int](0)
		r2 := clone(t, r1)
		first, second := receiving(t.Context(), r1), receiving(t.Context(), r2)
		first.checkWaits(t, "Receive on the first handle")
		r1.Close()
		first.check(t, "Receive on the handle that was closed", 0, memchan.ErrClosed)
		second.checkWaits(t, "Receive on the other handle")
		bubbletest.CheckError(t, "TrySend", s.TrySend(7), nil)
		second.check(t, "Receive on the other handle", 7, nil)
	})
}

// Closing a handle ends the calls in it, wherever they are in the queue, and no others.
func TestCloseAmongMany(t *testing.T) {
	bubbletest.Run(t, "senders", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		handles := []*memchan.Sender[int]{s, clone(t, s), clone(t, s)}
		var calls []call
		for v := range manyCalls {
			calls = append(calls, sending(t.Context(), handles[v%3], v))
			calls[v].checkWaits(t, "Send")
		}
		handles[1].Close()
		handles[1].Close()
		want := memchan.Stats{OpenSenders: 2, OpenReceivers: 1, WaitingSenders: manyCalls - manyCalls/3 - 1}
		checkStats(t, "with one of three closed", s, r, want)
		for v, c := range calls {
			if v%3 == 1 {
				c.check(t, "Send on the handle that was closed", v, memchan.ErrClosed)
				continue
			}
			got, err := r.TryReceive()
			checkReceived(t, "TryReceive", got, err, v)
			c.check(t, "Send on another handle", v, nil)
		}
	})

	bubbletest.Run(t, "receivers", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		r2 := clone(t, r)
		var calls []call
		for i := range manyCalls {
			calls = append(calls, receiving(t.Context(), []*memchan.Receiver[int]{r, r2}[i%2]))
			calls[i].checkWaits(t, "Receive")
		}
		r.Close()
		s.Close()
		for i, c := range calls {
			want := memchan.ErrClosed
			if i%2 == 1 {
				want = memchan.ErrEndOfChannel
			}
			c.check(t, "Receive", 0, want)
		}
	})
}
