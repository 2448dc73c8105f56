package memchan_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/trellis-go/trellis/memchan"
)

// errBang is another reason to cancel something.
var errBang = errors.New("bang")

// groups has tasks that wait to receive under different contexts, three each, of which
// a crowd watches the first two.
type groups struct {
	r       *memchan.Receiver[int]
	calls   [3][]call
	cancels [3]context.CancelCauseFunc
}

func newGroups(t *testing.T, s *memchan.Sender[int], r *memchan.Receiver[int]) *groups {
	g := &groups{r: r}
	memchan.SetPatience(s, 1)
	for i := range g.calls {
		var ctx context.Context
		ctx, g.cancels[i] = context.WithCancelCause(t.Context())
		for range 3 {
			g.calls[i] = append(g.calls[i], receiving(ctx, r))
			synctest.Wait() // it waits, behind those before it
		}
	}
	if got := memchan.Watched(s); got != 2 {
		t.Errorf("with tasks that wait under three contexts the crowd watches %d, want 2", got)
	}
	return g
}

func TestCrowdOfTwoContexts(t *testing.T) {
	inBubble(t, "ends the calls under the one that is canceled", func(t *testing.T) {
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
			if memchan.Crowded(s) {
				t.Error("there is a crowd although nobody waits any more, want none")
			}
		}
	})

	inBubble(t, "serves them in the order of their arrival", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		g := newGroups(t, s, r)
		g.cancels[0](errBang)
		synctest.Wait() // the first three have gone
		for i, calls := range g.calls[1:] {
			for j, c := range calls {
				v := 10*i + j
				checkError(t, "TrySend", s.TrySend(v), nil)
				c.check(t, "Receive of the next one", v, nil)
			}
		}
		g.cancels[1](nil)
		g.cancels[2](nil)
	})

	inBubble(t, "is joined under the one that is watched, and not under another", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetPatience(s, 1)
		first, cancelFirst := context.WithCancelCause(t.Context())
		second, cancelSecond := context.WithCancelCause(t.Context())
		calls := []call{receiving(first, r)}
		synctest.Wait() // it waits, and has founded a crowd
		calls = append(calls, receiving(second, r))
		synctest.Wait() // it waits, and watches its own context for the crowd
		checkError(t, "TrySend", s.TrySend(0), nil)
		calls[0].check(t, "Receive", 0, nil)

		// What the one who has been served was waiting with is at hand for these.
		late := []call{receiving(second, r)}
		synctest.Wait() // it waits, as a member
		cancelFirst(errBoom)
		late[0].checkWaits(t, "Receive under the other context")
		cancelSecond(errBang)
		late[0].check(t, "Receive under the context that was canceled", 0, errBang)
		calls[1].check(t, "Receive under the context that was canceled", 0, errBang)
	})
}

// Two tasks under contexts of their own, one at either side, keep a crowd going: who has
// been served is a member until it notices, and by then the other one waits.
func TestCrowdOfTwoSides(t *testing.T) {
	inBubble(t, "in turns", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetPatience(s, 1)
		sending, cancelSending := context.WithCancelCause(t.Context())
		defer cancelSending(nil)
		receiver, cancelReceiver := context.WithCancelCause(t.Context())
		var receive call
		err := s.Send(&meddling{Context: sending, atValue: func() { // it waits, and founds a crowd
			v, err := r.TryReceive()
			checkReceived(t, "TryReceive from one who waits", v, err, 1)
			receive = receiving(receiver, r)
			receive.checkWaits(t, "Receive")
		}}, 1)
		checkError(t, "Send", err, nil)
		if got := memchan.Watched(s); got != 2 {
			t.Errorf("with a receiver that came before the sender had left, the crowd watches %d contexts, want 2", got)
		}
		cancelSending(errBang)
		receive.checkWaits(t, "Receive under another context than the one that was canceled")
		cancelReceiver(errBoom)
		receive.check(t, "Receive", 0, errBoom)
		if memchan.Crowded(s) {
			t.Error("there is a crowd although nobody waits any more, want none")
		}
	})

	inBubble(t, "without patience of the one who comes second", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetPatience(s, 25)
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
		v, err := r.Receive(&meddling{Context: t.Context(), atValue: func() { // it waits, and founds a crowd
			checkError(t, "TrySend to one who waits", s.TrySend(3), nil)
			sending(sender, s, 4).checkWaits(t, "Send")
		}})
		checkReceived(t, "Receive", v, err, 3)
		if got := memchan.Watched(s); got != 2 {
			t.Errorf("with a sender that came before the receiver had left, the crowd watches %d contexts, want 2", got)
		}
		cancel()
		synctest.Wait() // nobody waits
	})
}

// A crowd that watches two contexts must not stay with the one that lives longer.
func TestNothingStaysWithTheOtherContext(t *testing.T) {
	for _, canceled := range []bool{false, true} {
		long, cancelLong := context.WithCancel(t.Context())
		defer cancelLong()
		drop := func() weak.Pointer[memchan.Sender[int]] {
			s, r := memchan.Open[int](0)
			memchan.SetPatience(s, 1)
			short, cancelShort := context.WithCancel(t.Context())
			defer cancelShort()
			var wg sync.WaitGroup
			waiting := 0
			for range crowdOf {
				for _, ctx := range []context.Context{short, long} {
					wg.Go(func() { r.Receive(ctx) })
					for waiting++; s.Stats().WaitingReceivers < waiting; {
						runtime.Gosched()
					}
				}
			}
			if got := memchan.Watched(s); got != 2 {
				t.Errorf("with receivers that wait under two contexts the crowd watches %d, want 2", got)
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
	inBubble(t, "wait in a crowd as others do", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		memchan.SetPatience(s, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls []call
		for range 5 {
			for range 10 {
				calls = append(calls, receiving(listed{ctx, []string{"a"}}, r))
				synctest.Wait() // it waits, behind those before it
			}
			checkError(t, "TrySend", s.TrySend(1), nil)
			calls[0].check(t, "Receive", 1, nil)
			calls = calls[1:]
		}
		if !memchan.Crowded(s) {
			t.Error("receivers wait under one context without a crowd, want one")
		}
		cancel(errBoom)
		for _, c := range calls {
			c.check(t, "Receive", 0, errBoom)
		}
	})
}
