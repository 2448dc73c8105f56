package memchan_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

// To close a handle takes the same time however many calls wait in other handles: the calls
// that wait in it are found without a search of the queue. Here such a search never ends.
// With one, closing 16,000 handles from the back took seconds.
func TestCloseDoesNotSearchTheQueue(t *testing.T) {
	bubbletest.Run(t, "of the receivers", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		var handles []*memchan.Receiver[int]
		var calls []call
		for i := range 10 {
			handles = append(handles, clone(t, r))
			calls = append(calls, receiving(t.Context(), handles[i]))
			synctest.Wait() // it waits, behind those before it
		}
		memchan.TangleReceivers(r, func() {
			for i, h := range slices.Backward(handles) {
				if i > 2 {
					h.Close()
					calls[i].check(t, "Receive on a handle that was closed", 0, memchan.ErrClosed)
				}
			}
		})
		for i, c := range calls[:3] {
			bubbletest.CheckError(t, "TrySend", s.TrySend(i), nil)
			c.check(t, "Receive on another handle", i, nil)
		}
	})

	bubbletest.Run(t, "of the senders", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		var handles []*memchan.Sender[int]
		var calls []call
		for i := range 10 {
			handles = append(handles, clone(t, s))
			calls = append(calls, sending(t.Context(), handles[i], i))
			synctest.Wait() // it waits, behind those before it
		}
		memchan.TangleSenders(s, func() {
			for i, h := range slices.Backward(handles) {
				if i > 2 {
					h.Close()
					calls[i].check(t, "Send on a handle that was closed", i, memchan.ErrClosed)
				}
			}
		})
		for i, c := range calls[:3] {
			v, err := r.TryReceive()
			checkReceived(t, "TryReceive", v, err, i)
			c.check(t, "Send on another handle", i, nil)
		}
	})
}

// The end of a context takes no time for the calls under others.
func TestCancellationDoesNotSearchTheQueue(t *testing.T) {
	for _, watched := range []bool{true, false} {
		bubbletest.Run(t, map[bool]string{true: "watched", false: "not watched"}[watched], func(t *testing.T) {
			s, r := memchan.Open[int](0)
			var calls []call
			for range 3 {
				calls = append(calls, receiving(t.Context(), r))
				synctest.Wait() // it waits, behind those before it
			}
			if watched {
				memchan.SetThreshold(s, 1)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			for range 3 {
				calls = append(calls, receiving(ctx, r))
				synctest.Wait() // it waits, behind those before it
			}
			if got := memchan.HasWatcher(s); got != watched {
				t.Errorf("the context is watched: %t, want %t", got, watched)
			}
			memchan.TangleReceivers(r, func() {
				cancel(errBoom)
				for _, c := range calls[3:] {
					c.check(t, "Receive under a context that was canceled", 0, errBoom)
				}
			})
			for i, c := range calls[:3] {
				bubbletest.CheckError(t, "TrySend", s.TrySend(i), nil)
				c.check(t, "Receive under another context", i, nil)
			}
		})
	}
}
