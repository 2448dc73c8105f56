package memchan_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
)

func TestBufferMemory(t *testing.T) {
	s, r := memchan.Open[int](1_000_000_000)
	if got := memchan.Slots(s); got != 0 {
		t.Errorf("an empty channel has memory for %d values, want 0", got)
	}
	s.TrySend(1)
	if got := memchan.Slots(s); got > 16 {
		t.Errorf("a channel with one value has memory for %d, want few", got)
	}
	r.Close()
	if got := memchan.Slots(s); got != 0 {
		t.Errorf("a channel that is broken has memory for %d values, want 0", got)
	}

	for capacity, kept := range map[int]bool{memchan.Unbounded: false, 100_000: true} {
		s, r = memchan.Open[int](capacity)
		for range 100_000 {
			s.TrySend(1)
		}
		for range 100_000 {
			r.TryReceive()
		}
		if got := memchan.Slots(s); (got > 0) != kept {
			t.Errorf("capacity %d: empty after a flood the channel has memory for %d values, want it to keep it: %v", capacity, got, kept)
		}
	}
}

// A channel holds what is in its buffer and nothing else.
func TestValuesAreLetGo(t *testing.T) {
	// The sizes keep the values out of blocks that others share.
	type value [100]byte
	s, r := memchan.Open[*value](10)
	var gone [5]weak.Pointer[value]
	make5 := func() (all [5]*value) {
		for i := range all {
			all[i] = new(value)
			gone[i] = weak.Make(all[i])
		}
		return all
	}
	check := func(what string) {
		t.Helper()
		for range 10 {
			runtime.GC()
			held := 0
			for _, p := range gone {
				if p.Value() != nil {
					held++
				}
			}
			if held == 0 {
				return
			}
		}
		t.Errorf("%s: the channel holds a value that cannot be received any more, want it to let go", what)
	}

	for _, v := range make5() {
		s.TrySend(v)
	}
	for range 5 {
		r.TryReceive()
	}
	check("received")

	for _, v := range make5() {
		var wg sync.WaitGroup
		wg.Go(func() { r.Receive(t.Context()) })
		s.Send(t.Context(), v)
		wg.Wait()
	}
	check("handed to a call that waited, or buffered and received")

	for _, v := range make5() {
		ctx, cancel := context.WithCancel(t.Context())
		full, _ := memchan.Open[*value](0)
		var wg sync.WaitGroup
		wg.Go(func() { full.Send(ctx, v) })
		for full.Stats().WaitingSenders == 0 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
		defer full.Close()
	}
	check("of a Send that was canceled")

	for _, v := range make5() {
		s.TrySend(v)
	}
	r.Close()
	check("discarded")
	if got := s.Stats(); got.Discarded != 5 || got.Buffered != 0 {
		t.Errorf("Stats after the last receiver was closed over 5 values: %d discarded, %d buffered, want 5, 0", got.Discarded, got.Buffered)
	}
}

// A watcher without users must not stay registered with its context, and so be held by
// it.
func TestNothingStaysWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	drop := func() weak.Pointer[memchan.Sender[int]] {
		s, r := memchan.Open[int](0)
		var wg sync.WaitGroup
		for range 2 * manyCalls {
			wg.Go(func() { r.Receive(ctx) })
		}
		for s.Stats().WaitingReceivers < 2*manyCalls {
			runtime.Gosched()
		}
		if !memchan.HasWatcher(s) {
			t.Errorf("%d receivers wait under one context without a watcher, want one", 2*manyCalls)
		}
		for v := range 2 * manyCalls {
			s.TrySend(v)
		}
		wg.Wait()
		return weak.Make(s) // dropped, and not closed
	}
	p := drop()
	for range 10 {
		if runtime.GC(); p.Value() == nil {
			return
		}
	}
	t.Error("a channel that was dropped is held by a context under which many have waited, want it collected")
}

// A watcher that only a few calls have used makes the channel wait longer for the next one.
// One that many have used does not.
func TestThreshold(t *testing.T) {
	bubbletest.Run(t, "grows with watchers that were not worth it", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		watchers := func(users int) {
			before, waits := memchan.Threshold(s), 0
			for ; !memchan.HasWatcher(s); waits++ {
				if waits > before {
					t.Fatalf("no watcher after %d waits, with threshold %d", waits, before)
				}
				c := receiving(t.Context(), r)
				synctest.Wait() // it waits, and may have started a watcher
				if !memchan.HasWatcher(s) {
					s.TrySend(0)
					c.check(t, "Receive", 0, nil)
				}
			}
			if waits < before {
				t.Errorf("a watcher after %d waits, with threshold %d", waits, before)
			}
			for range users {
				receiving(t.Context(), r)
			}
			synctest.Wait() // they all wait
			for range users + 1 {
				bubbletest.CheckError(t, "TrySend", s.TrySend(0), nil)
			}
			synctest.Wait() // no call waits
			if memchan.HasWatcher(s) {
				t.Fatal("there is a watcher although no call waits, want none")
			}
		}
		first := memchan.Threshold(s)
		watchers(3)
		if got := memchan.Threshold(s); got != 2*first {
			t.Errorf("threshold after a watcher with 3 users: %d, want twice %d", got, first)
		}
		watchers(3)
		if got := memchan.Threshold(s); got != 4*first {
			t.Errorf("threshold after another watcher with 3 users: %d, want 4 times %d", got, first)
		}
		watchers(100)
		if got := memchan.Threshold(s); got != first {
			t.Errorf("threshold after a watcher with 100 users: %d, want %d", got, first)
		}
		for range 20 {
			watchers(0)
		}
		if got := memchan.Threshold(s); got > 10_000 {
			t.Errorf("threshold after 20 watchers without users: %d, want a limit", got)
		}
	})

	bubbletest.Run(t, "counts waits under one context", func(t *testing.T) {
		s, r := memchan.Open[int](0)
		for range 1000 {
			ctx, cancel := context.WithCancel(t.Context())
			c := receiving(ctx, r)
			synctest.Wait() // it waits
			if memchan.HasWatcher(s) {
				t.Fatal("there is a watcher after waits under different contexts, want none")
			}
			cancel()
			c.check(t, "Receive", 0, context.Canceled)
		}
	})
}

// shared is a channel that outlives bubbles.
var shared, sharedReceiver = memchan.Open[int](0)

// What a wait leaves behind for the next one must not belong to a bubble: used in
// another one, it would end the program.
func TestChannelOutlivesBubble(t *testing.T) {
	waiting := func(n int) {
		for shared.Stats().WaitingReceivers < n {
			runtime.Gosched()
		}
	}
	alone := func(t *testing.T) {
		c := receiving(t.Context(), sharedReceiver)
		waiting(1)
		bubbletest.CheckError(t, "TrySend", shared.TrySend(3), nil)
		if got := <-c.ended; got.v != 3 || got.err != nil {
			t.Errorf("Receive = %d, %v, want 3, nil", got.v, got.err)
		}
	}
	use := func(t *testing.T) {
		for range 2 {
			alone(t) // after, and before, a call in another bubble
			ctx, cancel := context.WithCancelCause(t.Context())
			var calls []call
			for range manyCalls {
				calls = append(calls, receiving(ctx, sharedReceiver))
			}
			waiting(manyCalls)
			for v := range 5 {
				bubbletest.CheckError(t, "TrySend", shared.TrySend(v), nil)
			}
			last := receiving(context.Background(), sharedReceiver)
			waiting(manyCalls - 5 + 1)
			cancel(errBoom)
			bubbletest.CheckError(t, "TrySend to the call that was not canceled", shared.TrySend(7), nil)
			if got := <-last.ended; got.v != 7 || got.err != nil {
				t.Errorf("Receive = %d, %v, want 7, nil", got.v, got.err)
			}
			for _, c := range calls {
				<-c.ended
			}
			alone(t)
		}
	}
	for range 3 {
		bubbletest.Run(t, "in a bubble", use)
		t.Run("outside", use)
	}
}
