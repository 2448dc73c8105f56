package memchan_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/memchan"
)

// manyWaiting is how many calls wait in the tests of this file. What takes time for each
// of them, each time, would take seconds together.
const manyWaiting = 16_000

// quickest returns the shortest of three measurements.
func quickest(measure func() time.Duration) time.Duration {
	return min(measure(), measure(), measure())
}

// awaitReceivers waits, outside of a bubble, until so many calls of Receive block.
func awaitReceivers(s *memchan.Sender[int], n int) {
	for s.Stats().WaitingReceivers != n {
		runtime.Gosched()
	}
}

// closeEach has a call wait in each of many handles of one channel, in order, and closes
// the handles one after another: from the front, or from the back.
func closeEach(t *testing.T, fromTheBack bool) time.Duration {
	s, r := memchan.Open[int](0)
	defer s.Close()
	handles := make([]*memchan.Receiver[int], manyWaiting)
	var calls sync.WaitGroup
	for i := range handles {
		handles[i] = clone(t, r)
		calls.Go(func() { handles[i].Receive(t.Context()) })
	}
	awaitReceivers(s, manyWaiting)
	if fromTheBack {
		slices.Reverse(handles)
	}
	start := time.Now()
	for _, h := range handles {
		h.Close()
	}
	took := time.Since(start)
	calls.Wait()
	return took
}

// To close a handle takes the same time wherever in the queue the calls are that wait in
// it. The comparison is with the order in which even a search would find them at once.
func TestClosingManyHandlesIsLinear(t *testing.T) {
	front := quickest(func() time.Duration { return closeEach(t, false) })
	back := quickest(func() time.Duration { return closeEach(t, true) })
	if back > 10*front {
		t.Errorf("closing %d handles from the back took %v, and from the front %v, want about the same", manyWaiting, back, front)
	}
}

// The end of a watched context takes no time for calls under other contexts.
func TestEndsOfManyContextsAreLinear(t *testing.T) {
	cancelEach := func(waiting int) time.Duration {
		s, r := memchan.Open[int](0)
		all, cancelAll := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		for range waiting {
			calls.Go(func() { r.Receive(all) })
		}
		awaitReceivers(s, waiting)
		start := time.Now()
		for range 500 {
			memchan.SetThreshold(s, 1)
			ctx, cancel := context.WithCancel(t.Context())
			one := receiving(ctx, r)
			awaitReceivers(s, waiting+1)
			cancel()
			<-one.ended
		}
		took := time.Since(start)
		cancelAll()
		calls.Wait()
		return took
	}
	few := quickest(func() time.Duration { return cancelEach(16) })
	many := quickest(func() time.Duration { return cancelEach(manyWaiting) })
	if many > 10*few {
		t.Errorf("canceling one call after another while %d others wait took %v, and while 16 wait %v, want about the same", manyWaiting, many, few)
	}
}
