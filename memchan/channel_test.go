package memchan_test

import (
	"context"
	"testing"
	"time"

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
		checkPanics(t, test.call, test.want, test.f)
	}
	if got := s.Stats().Buffered; got != 0 {
		t.Errorf("%d values in the buffer after a call that was refused, want 0", got)
	}
}

func TestZeroHandles(t *testing.T) {
	var s memchan.Sender[int]
	var r memchan.Receiver[int]
	checkError(t, "Send", s.Send(t.Context(), 1), memchan.ErrClosed)
	checkError(t, "TrySend", s.TrySend(1), memchan.ErrClosed)
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
	checkError(t, "Send under a context that is done", s.Send(ctx, 1), errBoom)
	_, err = r.Receive(ctx)
	checkError(t, "Receive under a context that is done", err, errBoom)
}

func TestAll(t *testing.T) {
	inBubble(t, "can be left and resumed", func(t *testing.T) {
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

	inBubble(t, "ends with an error that is not the end", func(t *testing.T) {
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
		checkElapsed(t, "All", start, time.Second)
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
	inBubble(t, "waits and ends as any other", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		receive := receiving(context.Background(), r)
		receive.checkWaits(t, "Receive")
		checkError(t, "TrySend", s.TrySend(1), nil)
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

// Closing a handle ends the calls in it, wherever they are in the queue, and no others.
func TestCloseAmongMany(t *testing.T) {
	inBubble(t, "senders", func(t *testing.T) {
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

	inBubble(t, "receivers", func(t *testing.T) {
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

func TestErrorTexts(t *testing.T) {
	for err, want := range map[error]string{
		memchan.ErrEndOfChannel: "end of channel",
		memchan.ErrBroken:       "every receiver of the channel is closed",
		memchan.ErrClosed:       "handle of the channel is closed",
		memchan.ErrWouldBlock:   "operation would block",
	} {
		if got := err.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}
