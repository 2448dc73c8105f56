package memchan_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

func TestContextIsFirst(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)

	s, r := memchan.Open[int](1)
	bubbletest.CheckError(t, "Send under a context that is done, with room", s.Send(ctx, 1), errBoom)
	if got := s.Stats().Buffered; got != 0 {
		t.Errorf("%d values in the buffer after a Send that failed, want 0", got)
	}
	bubbletest.CheckError(t, "TrySend", s.TrySend(2), nil)
	v, err := r.Receive(ctx)
	checkFailed(t, "Receive under a context that is done, with a value", v, err, errBoom)
	for v, err := range r.All(ctx) {
		checkFailed(t, "All under a context that is done", v, err, errBoom)
	}
	v, err = r.TryReceive()
	checkReceived(t, "TryReceive after that", v, err, 2)

	s.Close()
	bubbletest.CheckError(t, "Send under a context that is done, on a closed handle", s.Send(ctx, 1), errBoom)
	_, err = r.Receive(ctx)
	bubbletest.CheckError(t, "Receive under a context that is done, at the end", err, errBoom)
	r.Close()
	_, err = r.Receive(ctx)
	bubbletest.CheckError(t, "Receive under a context that is done, on a closed handle", err, errBoom)
}

// A deadline of a scope counts from the instant it has passed, before any timer runs.
func TestDeadlinePassedUnnoticed(t *testing.T) {
	bubbletest.Run(t, "by a call that does not block", func(t *testing.T) {
		s, r := memchan.Open[int](1)
		expired, err := deadline.MoveOnAfter(t.Context(), 0, func(ctx context.Context) error {
			err := s.Send(ctx, 1)
			if c := new(cancelscope.Canceled); !errors.As(err, &c) || c.Kind() != cancelscope.ByDeadline {
				t.Errorf("Send at the deadline = %v, want a *Canceled of kind deadline", err)
			}
			bubbletest.CheckError(t, "TrySend", s.TrySend(2), nil)
			_, received := r.Receive(ctx)
			bubbletest.CheckError(t, "Receive at the deadline", received, err)
			return err
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter around Send = %v, %v, want true, nil", expired, err)
		}
	})
}

// inBothWays runs f twice in a bubble: with channels where each call watches its context
// by itself, and with channels where a watcher does as soon as it can.
func inBothWays(t *testing.T, name string, f func(t *testing.T, open func() (*memchan.Sender[int], *memchan.Receiver[int]))) {
	t.Helper()
	for way, threshold := range map[string]int{"by itself": 1000, "by a watcher": 1} {
		bubbletest.Run(t, name+", "+way, func(t *testing.T) {
			var opened []*memchan.Sender[int]
			f(t, func() (*memchan.Sender[int], *memchan.Receiver[int]) {
				s, r := memchan.Open[int](0)
				memchan.SetThreshold(s, threshold)
				opened = append(opened, s)
				return s, r
			})
			synctest.Wait() // no call waits any more
			for _, s := range opened {
				if memchan.HasWatcher(s) {
					t.Error("there is a watcher although no call waits any more, want none")
				}
			}
		})
	}
}

func TestCanceledWait(t *testing.T) {
	type opener = func() (*memchan.Sender[int], *memchan.Receiver[int])
	inBothWays(t, "ends with the cause", func(t *testing.T, open opener) {
		s, r := open()
		for range 2 {
			ctx, cancel := context.WithCancelCause(t.Context())
			calls := []call{receiving(ctx, r), receiving(ctx, r), receiving(ctx, r)}
			synctest.Wait() // all three wait
			checkStats(t, "with receivers", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1, WaitingReceivers: 3})
			cancel(errBoom)
			for _, c := range calls {
				c.check(t, "Receive", 0, errBoom)
			}
		}
		for range 2 {
			ctx, cancel := context.WithCancelCause(t.Context())
			calls := []call{sending(ctx, s, 1), sending(ctx, s, 2), sending(ctx, s, 3)}
			synctest.Wait() // all three wait
			checkStats(t, "with senders", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1, WaitingSenders: 3})
			cancel(errBoom)
			for i, c := range calls {
				c.check(t, "Send", i+1, errBoom)
			}
		}
		checkStats(t, "after all", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1})
		_, err := r.TryReceive()
		bubbletest.CheckError(t, "TryReceive after senders that were canceled", err, memchan.ErrWouldBlock)
	})

	inBothWays(t, "leaves the others where they are", func(t *testing.T, open opener) {
		s, r := open()
		ctx1, cancel1 := context.WithCancelCause(t.Context())
		ctx2, cancel2 := context.WithCancelCause(t.Context())
		defer cancel2(nil)
		var calls []call
		for i := range 6 {
			ctx := ctx1
			if i%2 == 1 {
				ctx = ctx2
			}
			calls = append(calls, sending(ctx, s, i))
			synctest.Wait() // the call waits
		}
		cancel1(errBoom)
		for i := 0; i < 6; i += 2 {
			calls[i].check(t, "Send under the context that was canceled", i, errBoom)
		}
		for i := 1; i < 6; i += 2 {
			v, err := r.TryReceive()
			checkReceived(t, "TryReceive", v, err, i)
			calls[i].check(t, "Send under the other context", i, nil)
		}
	})

	inBothWays(t, "is passed over before it has left", func(t *testing.T, open opener) {
		s, r := open()
		ctx, cancel := context.WithCancelCause(t.Context())
		lost := []call{receiving(ctx, r), receiving(ctx, r), receiving(ctx, r)}
		synctest.Wait() // they wait
		kept := receiving(t.Context(), r)
		synctest.Wait() // and so does this one, behind them
		cancel(errBoom)
		bubbletest.CheckError(t, "TrySend right after the cancellation", s.TrySend(1), nil)
		bubbletest.CheckError(t, "TrySend after that", s.TrySend(2), memchan.ErrWouldBlock)
		kept.check(t, "Receive that was not canceled", 1, nil)
		for _, c := range lost {
			c.check(t, "Receive that was canceled", 0, errBoom)
		}

		ctx, cancel = context.WithCancelCause(t.Context())
		lost = []call{sending(ctx, s, 1), sending(ctx, s, 1), sending(ctx, s, 1)}
		synctest.Wait() // they wait
		kept = sending(t.Context(), s, 2)
		synctest.Wait() // and so does this one, behind them
		cancel(errBoom)
		v, err := r.TryReceive()
		checkReceived(t, "TryReceive right after the cancellation", v, err, 2)
		_, err = r.TryReceive()
		bubbletest.CheckError(t, "TryReceive after that", err, memchan.ErrWouldBlock)
		kept.check(t, "Send that was not canceled", 2, nil)
		for _, c := range lost {
			c.check(t, "Send that was canceled", 1, errBoom)
		}
	})

	inBothWays(t, "does not give back what it was handed", func(t *testing.T, open opener) {
		s, r := open()
		ctx, cancel := context.WithCancelCause(t.Context())
		receive := []call{receiving(ctx, r), receiving(ctx, r)}
		synctest.Wait() // both wait
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
		cancel(errBoom)
		for _, c := range receive {
			c.check(t, "Receive that was canceled too late", 1, nil)
		}

		ctx, cancel = context.WithCancelCause(t.Context())
		send := []call{sending(ctx, s, 2), sending(ctx, s, 2)}
		synctest.Wait() // both wait
		for range send {
			v, err := r.TryReceive()
			checkReceived(t, "TryReceive", v, err, 2)
		}
		cancel(errBoom)
		for _, c := range send {
			c.check(t, "Send that was canceled too late", 2, nil)
		}
	})

	inBothWays(t, "sees its cancellation, not what the neighbours do then", func(t *testing.T, open opener) {
		s, r := open()
		r2 := clone(t, r)
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := []call{receiving(ctx, r), receiving(ctx, r), receiving(ctx, r2), receiving(ctx, r2)}
		synctest.Wait() // they wait
		cancel(errBoom)
		r.Close()
		s.Close()
		for _, c := range calls {
			c.check(t, "Receive that was canceled before the end", 0, errBoom)
		}

		s, r = open()
		s2 := clone(t, s)
		ctx, cancel = context.WithCancelCause(t.Context())
		calls = []call{sending(ctx, s, 1), sending(ctx, s, 1), sending(ctx, s2, 1), sending(ctx, s2, 1)}
		synctest.Wait() // they wait
		cancel(errBoom)
		s.Close()
		r.Close()
		for _, c := range calls {
			c.check(t, "Send that was canceled before the end", 1, errBoom)
		}
	})
}

// A call can find the end of the channel that a neighbour left when both were canceled,
// just after it has looked at its context.
func TestCanceledBetweenLooks(t *testing.T) {
	s, r := memchan.Open[int](0)
	s.Close()
	v, err := r.Receive(&doneAtSecondLook{Context: t.Context()})
	checkFailed(t, "Receive at the end, canceled meanwhile", v, err, errBoom)

	s, r = memchan.Open[int](0)
	r.Close()
	bubbletest.CheckError(t, "Send without receivers, canceled meanwhile", s.Send(&doneAtSecondLook{Context: t.Context()}, 1), errBoom)

	s, r = memchan.Open[int](1)
	bubbletest.CheckError(t, "Send with room, canceled meanwhile", s.Send(&doneAtSecondLook{Context: t.Context()}, 1), nil)
	v, err = r.Receive(&doneAtSecondLook{Context: t.Context()})
	checkReceived(t, "Receive with a value, canceled meanwhile", v, err, 1)
}

// doneAtSecondLook is done from the second call of Err on.
type doneAtSecondLook struct {
	context.Context
	looked bool
}

func (c *doneAtSecondLook) Err() error {
	if !c.looked {
		c.looked = true
		return nil
	}
	return errBoom
}

func (c *doneAtSecondLook) Value(any) any { return nil }

// A meddling context does something when it is first asked for the named thing.
type meddling struct {
	context.Context
	atValue, atDone func()
}

func (c *meddling) Value(key any) any {
	if f := c.atValue; f != nil {
		c.atValue = nil
		f()
	}
	return c.Context.Value(key)
}

func (c *meddling) Done() <-chan struct{} {
	if f := c.atDone; f != nil {
		c.atDone = nil
		f()
	}
	return c.Context.Done()
}

// A call that is served, and canceled before it runs again, has been served.
func TestServedThenCanceled(t *testing.T) {
	bubbletest.Run(t, "while it starts a watcher", func(t *testing.T) {
		for range 50 { // a select takes either of two that are ready
			s, r := memchan.Open[int](0)
			memchan.SetThreshold(s, 1)
			inner, cancel := context.WithCancelCause(t.Context())
			v, err := r.Receive(&meddling{Context: inner, atValue: func() {
				bubbletest.CheckError(t, "TrySend to a Receive that waits", s.TrySend(1), nil)
				cancel(errBoom)
			}})
			checkReceived(t, "Receive", v, err, 1)

			memchan.SetThreshold(s, 1)
			inner, cancel = context.WithCancelCause(t.Context())
			err = s.Send(&meddling{Context: inner, atValue: func() {
				v, err := r.TryReceive()
				checkReceived(t, "TryReceive from a Send that waits", v, err, 2)
				cancel(errBoom)
			}}, 2)
			bubbletest.CheckError(t, "Send", err, nil)
		}
	})
}

// A call that begins to wait after its context was canceled must not join the calls that are
// about to end: nothing watches the context any more.
func TestCanceledBeforeJoining(t *testing.T) {
	for range 20 { // the other calls may be quicker
		synctest.Test(t, func(t *testing.T) {
			s, r := memchan.Open[int](0)
			memchan.SetThreshold(s, 1)
			inner, cancel := context.WithCancelCause(t.Context())
			var calls []call
			for range 500 {
				calls = append(calls, receiving(inner, r))
			}
			synctest.Wait() // all wait
			v, err := r.Receive(&meddling{Context: inner, atDone: func() {
				cancel(errBoom)
				for s.Stats().WaitingReceivers > 0 {
					// Without letting others run: the watcher has been closed when this
					// ends, but most of its users have not run since.
				}
			}})
			checkFailed(t, "Receive", v, err, errBoom)
			for _, c := range calls {
				c.check(t, "Receive of a user", 0, errBoom)
			}
		})
	}
}

// Between the moment when the last user leaves and the end of the watcher, other calls may
// join it.
func TestJoinedAtTheEnd(t *testing.T) {
	bubbletest.Run(t, "of a watcher", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetThreshold(s, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := []call{receiving(ctx, r), receiving(ctx, r)}
		synctest.Wait() // both wait
		if memchan.EndWatcher(s) || !memchan.HasWatcher(s) {
			t.Error("the watcher has ended while two calls use it, want it to stay")
		}
		cancel(errBoom)
		for _, c := range calls {
			c.check(t, "Receive", 0, errBoom)
		}
	})
}

func TestSharedContextOfNursery(t *testing.T) {
	bubbletest.Run(t, "with a deadline", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), time.Minute, func(ctx context.Context) error {
			var calls []call
			for range 20 {
				calls = append(calls, receiving(ctx, r))
			}
			synctest.Wait() // all wait
			if !memchan.HasWatcher(s) {
				t.Error("20 receivers wait under one context without a watcher, want one")
			}
			<-ctx.Done()
			for _, c := range calls {
				c.check(t, "Receive at the deadline", 0, context.Cause(ctx))
			}
			return context.Cause(ctx)
		})
		bubbletest.CheckElapsed(t, "MoveOnAfter", start, time.Minute)
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %v, %v, want true, nil", expired, err)
		}
		if memchan.HasWatcher(s) {
			t.Error("there is a watcher under a context that is done, want none")
		}
	})
}
