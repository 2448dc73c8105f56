package memchan_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

// errBang is another reason to cancel something.
var errBang = errors.New("bang")

// groups has tasks that wait to receive under different contexts, three each, of which
// a watcher watches the first two.
type groups struct {
	r       *memchan.Receiver[int]
	calls   [3][]call
	cancels [3]context.CancelCauseFunc
}

func newGroups(t *testing.T, s *memchan.Sender[int], r *memchan.Receiver[int]) *groups {
	g := &groups{r: r}
	memchan.SetThreshold(s, 1)
	for i := range g.calls {
		var ctx context.Context
		ctx, g.cancels[i] = context.WithCancelCause(t.Context())
		for range 3 {
			g.calls[i] = append(g.calls[i], receiving(ctx, r))
			synctest.Wait() // it waits, behind those before it
		}
	}
	if got := memchan.Watched(s); got != 2 {
		t.Errorf("with tasks that wait under three contexts the watcher watches %d, want 2", got)
	}
	return g
}

func TestWatcherOfTwoContexts(t *testing.T) {
	bubbletest.Run(t, "ends the calls under the one that is canceled", func(t *testing.T) {
		for _, order := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}} {
			s, r := memchan.Open[int](0)
			g := newGroups(t, s, r)
			left := 9
			for _, i := range order {
				g.cancels[i](errBang)
				for _, c := range g.calls[i] {
					c.check(t, "Receive under a context that was canceled", 0, errBang)
				}
				left -= 3
				checkStats(t, "with the other groups", s, r, memchan.Stats{OpenSenders: 1, OpenReceivers: 1, WaitingReceivers: left})
			}
			if memchan.HasWatcher(s) {
				t.Error("there is a watcher although no call waits any more, want none")
			}
		}
	})

	bubbletest.Run(t, "serves calls in the order of their arrival", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		g := newGroups(t, s, r)
		g.cancels[0](errBang)
		synctest.Wait() // the first three have gone
		for i, calls := range g.calls[1:] {
			for j, c := range calls {
				v := 10*i + j
				bubbletest.CheckError(t, "TrySend", s.TrySend(v), nil)
				c.check(t, "Receive of the next one", v, nil)
			}
		}
		g.cancels[1](nil)
		g.cancels[2](nil)
	})

	bubbletest.Run(t, "is joined under the one that is watched, and not under another", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetThreshold(s, 1)
		first, cancelFirst := context.WithCancelCause(t.Context())
		second, cancelSecond := context.WithCancelCause(t.Context())
		calls := []call{receiving(first, r)}
		synctest.Wait() // it waits, and has started a watcher
		calls = append(calls, receiving(second, r))
		synctest.Wait() // it waits, and the watcher watches its context
		bubbletest.CheckError(t, "TrySend", s.TrySend(0), nil)
		calls[0].check(t, "Receive", 0, nil)

		// The waiter of the call that has been served is used again for this one.
		late := []call{receiving(second, r)}
		synctest.Wait() // it waits, as a user of the watcher
		cancelFirst(errBoom)
		late[0].checkWaits(t, "Receive under the other context")
		cancelSecond(errBang)
		late[0].check(t, "Receive under the context that was canceled", 0, errBang)
		calls[1].check(t, "Receive under the context that was canceled", 0, errBang)
	})
}

// Two tasks under contexts of their own, one at either side, keep a watcher alive: a call
// that has been served is a user until it runs again, and by then the other one waits.
func TestWatcherOfTwoSides(t *testing.T) {
	bubbletest.Run(t, "in turns", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetThreshold(s, 1)
		sending, cancelSending := context.WithCancelCause(t.Context())
		defer cancelSending(nil)
		receiver, cancelReceiver := context.WithCancelCause(t.Context())
		var receive call
		err := s.Send(&meddling{Context: sending, atValue: func() { // it waits, and starts a watcher
			v, err := r.TryReceive()
			checkReceived(t, "TryReceive from a Send that waits", v, err, 1)
			receive = receiving(receiver, r)
			receive.checkWaits(t, "Receive")
		}}, 1)
		bubbletest.CheckError(t, "Send", err, nil)
		if got := memchan.Watched(s); got != 2 {
			t.Errorf("with a receiver that came before the sender had left, the watcher watches %d contexts, want 2", got)
		}
		cancelSending(errBang)
		receive.checkWaits(t, "Receive under another context than the one that was canceled")
		cancelReceiver(errBoom)
		receive.check(t, "Receive", 0, errBoom)
		if memchan.HasWatcher(s) {
			t.Error("there is a watcher although no call waits any more, want none")
		}
	})

	bubbletest.Run(t, "without waits of the side that comes second", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetThreshold(s, 25)
		sender, cancel := context.WithCancel(t.Context())
		for range 10 {
			send := sending(sender, s, 1)
			send.checkWaits(t, "Send")
			r.TryReceive()
			send.check(t, "Send", 1, nil)
		}
		for range 14 {
			receive := receiving(t.Context(), r)
			receive.checkWaits(t, "Receive")
			s.TrySend(2)
			receive.check(t, "Receive", 2, nil)
		}
		v, err := r.Receive(&meddling{Context: t.Context(), atValue: func() { // it waits, and starts a watcher
			bubbletest.CheckError(t, "TrySend to a Receive that waits", s.TrySend(3), nil)
			sending(sender, s, 4).checkWaits(t, "Send")
		}})
		checkReceived(t, "Receive", v, err, 3)
		if got := memchan.Watched(s); got != 2 {
			t.Errorf("with a sender that came before the receiver had left, the watcher watches %d contexts, want 2", got)
		}
		cancel()
		synctest.Wait() // no call waits
	})
}

// A watcher of two contexts must not stay registered with the one that lives longer.
func TestNothingStaysWithTheOtherContext(t *testing.T) {
	for _, canceled := range []bool{false, true} {
		long, cancelLong := context.WithCancel(t.Context())
		defer cancelLong()
		drop := func() weak.Pointer[memchan.Sender[int]] {
			s, r := memchan.Open[int](0)
			memchan.SetThreshold(s, 1)
			short, cancelShort := context.WithCancel(t.Context())
			defer cancelShort()
			var wg sync.WaitGroup
			waiting := 0
			for range manyCalls {
				for _, ctx := range []context.Context{short, long} {
					wg.Go(func() { r.Receive(ctx) })
					for waiting++; s.Stats().WaitingReceivers < waiting; {
						runtime.Gosched()
					}
				}
			}
			if got := memchan.Watched(s); got != 2 {
				t.Errorf("with receivers that wait under two contexts the watcher watches %d, want 2", got)
			}
			if canceled {
				cancelShort()
			}
			for s.Stats().WaitingReceivers > 0 {
				s.TrySend(0)
			}
			wg.Wait()
			return weak.Make(s) // dropped, and not closed
		}
		p := drop()
		for i := 0; p.Value() != nil; i++ {
			if i == 10 {
				t.Errorf("a channel that was dropped is held by a context under which many have waited, the other one canceled: %v, want it collected", canceled)
				break
			}
			runtime.GC()
		}
	}
}

// listed is a context of a type that cannot be compared.
type listed struct {
	context.Context
	tags []string
}

func TestContextsThatCannotBeCompared(t *testing.T) {
	bubbletest.Run(t, "wait as users of a watcher like others", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetThreshold(s, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls []call
		for range 5 {
			for range 10 {
				calls = append(calls, receiving(listed{ctx, []string{"a"}}, r))
				synctest.Wait() // it waits, behind those before it
			}
			bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
			calls[0].check(t, "Receive", 1, nil)
			calls = calls[1:]
		}
		if !memchan.HasWatcher(s) {
			t.Error("receivers wait under one context without a watcher, want one")
		}
		cancel(errBoom)
		for _, c := range calls {
			c.check(t, "Receive", 0, errBoom)
		}
	})
}

// An interleaved call of Send or Receive has looked for a watcher of its context, and found
// one, and does not wait yet.
type interleaved struct {
	call
	proceed chan struct{}
}

// interleave starts such a call. It may end only after a call of the method resume.
func interleave(t *testing.T, s *memchan.Sender[int], f func(between func()) result) interleaved {
	t.Helper()
	looked := make(chan struct{})
	c := interleaved{call{make(chan result, 1)}, make(chan struct{})}
	if !memchan.HasWatcher(s) {
		t.Error("there is no watcher, want one")
	}
	go func() {
		c.ended <- f(func() {
			close(looked)
			<-c.proceed
		})
	}()
	<-looked
	return c
}

func (c interleaved) resume() { close(c.proceed) }

// A call that has seen a watcher of its context, which ends before the call waits, watches
// its context itself. Otherwise it would wait for ever when it is canceled.
func TestWatcherEndsBeforeACallWaits(t *testing.T) {
	calls := map[string]func(context.Context, *memchan.Sender[int], *memchan.Receiver[int], func()) result{
		"Send": func(ctx context.Context, s *memchan.Sender[int], _ *memchan.Receiver[int], between func()) result {
			return result{7, memchan.SendAfter(ctx, s, 7, between)}
		},
		"Receive": func(ctx context.Context, _ *memchan.Sender[int], r *memchan.Receiver[int], between func()) result {
			v, err := memchan.ReceiveAfter(ctx, r, between)
			return result{v, err}
		},
	}
	for name, f := range calls {
		value := map[string]int{"Send": 7}[name] // that the result has, also when it has failed
		for then, next := range map[string]func(t *testing.T, ctx context.Context, r *memchan.Receiver[int]) call{
			"no other one starts":            nil,
			"one of another context starts":  func(t *testing.T, _ context.Context, r *memchan.Receiver[int]) call { return receiving(t.Context(), r) },
			"one of the same context starts": func(_ *testing.T, ctx context.Context, r *memchan.Receiver[int]) call { return receiving(ctx, r) },
		} {
			bubbletest.Run(t, name+", "+then, func(t *testing.T) {
				s, r := memchan.Open[int](0)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				memchan.SetThreshold(s, 1)
				first := receiving(ctx, r)
				synctest.Wait() // it waits, and has started a watcher
				c := interleave(t, s, func(between func()) result { return f(ctx, s, r, between) })
				bubbletest.CheckError(t, "TrySend", s.TrySend(1), nil)
				first.check(t, "Receive", 1, nil)
				if memchan.HasWatcher(s) {
					t.Error("there is a watcher although no call waits, want none")
				}
				memchan.SetThreshold(s, 1)
				if next != nil {
					next(t, ctx, r)
					synctest.Wait() // it waits, and has started a watcher
					if got := memchan.Watched(s); got != 1 {
						t.Errorf("the new watcher watches %d contexts, want 1", got)
					}
				}
				memchan.SetThreshold(s, 1000)
				c.resume()
				c.checkWaits(t, name)
				cancel(errBoom)
				c.check(t, name+" whose watcher has ended", value, errBoom)
				s.Close() // ends what waits
			})
		}
		bubbletest.Run(t, name+", its context is canceled", func(t *testing.T) {
			s, r := memchan.Open[int](0)
			ctx, cancel := context.WithCancelCause(t.Context())
			memchan.SetThreshold(s, 1)
			first := receiving(ctx, r)
			synctest.Wait() // it waits, and has started a watcher
			c := interleave(t, s, func(between func()) result { return f(ctx, s, r, between) })
			cancel(errBoom)
			first.check(t, "Receive", 0, errBoom)
			c.resume()
			c.check(t, name+" whose watcher has ended", value, errBoom)
		})
	}
}

// A watcher that a cancellation has closed, and whose other calls leave later, does not take
// the place of the next one, nor say anything about the threshold.
func TestWatcherEndsAfterTheNextHasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memchan.Open[int](0)
		first, cancelFirst := context.WithCancelCause(t.Context())
		second, cancelSecond := context.WithCancelCause(t.Context())
		memchan.SetThreshold(s, 1)
		one := receiving(first, r)
		synctest.Wait() // it waits, and has started a watcher
		two := receiving(second, r)
		synctest.Wait() // it waits, and the watcher watches its context as well
		cancelFirst(errBoom)
		one.check(t, "Receive", 0, errBoom)
		if memchan.HasWatcher(s) {
			t.Error("there is a watcher that a cancellation has closed, want none")
		}

		memchan.SetThreshold(s, 2)
		three, four := receiving(t.Context(), r), receiving(t.Context(), r)
		synctest.Wait() // they wait, and one of them has started the next watcher
		if got := memchan.Watched(s); got != 1 {
			t.Errorf("the next watcher watches %d contexts, want 1", got)
		}
		cancelSecond(errBang)
		two.check(t, "Receive", 0, errBang)
		if got := memchan.Watched(s); got != 1 {
			t.Errorf("when the first watcher has ended, the next one watches %d contexts, want 1", got)
		}
		if got := memchan.Threshold(s); got != 2 {
			t.Errorf("threshold after a watcher that a cancellation has closed: %d, want 2 as before", got)
		}
		s.Close()
		three.check(t, "Receive", 0, memchan.ErrEndOfChannel)
		four.check(t, "Receive", 0, memchan.ErrEndOfChannel)
	})
}
