package memchan

import (
	"context"
	"sync"
	"sync/atomic"
)

// A handle is what Sender and Receiver have in common.
type handle[T any] struct {
	c *channel[T] // read-only; nil in a handle that nobody opened

	closed bool // guarded by c.mu

	// waiting is how many calls have come to wait in the handle and have not noticed
	// yet that they need not any more. So it is no less than those in the queue. Who
	// serves a call does not count it down, because that would take the handle away
	// from the processor of those who use it.
	waiting atomic.Int64

	// spare is a waiter that nobody uses, or nil: a task that waits again and again
	// needs no new one for it. It has no ready channel.
	spare atomic.Pointer[waiter[T]]
}

// A parkingLock is a channel's mu to a call that parks: released when it has begun to
// wait, and not taken again when it wakes up.
type parkingLock sync.Mutex

func (*parkingLock) Lock()      {}
func (mu *parkingLock) Unlock() { (*sync.Mutex)(mu).Unlock() }

// newWaiter returns a waiter for a call with that handle that may have to wait. It is
// called without mu, because it calls a method of ctx.
func (h *handle[T]) newWaiter(ctx context.Context) *waiter[T] {
	w := h.spare.Swap(nil)
	if w == nil {
		w = new(waiter[T])
		w.parked.L = (*parkingLock)(&h.c.mu)
	}
	w.done = ctx.Done()
	if w.done != nil && !h.c.crowd.Load().watchesDone(w.done) {
		w.ready = make(chan struct{}) // here already, to have mu for a shorter time
	}
	return w
}

// memberLocked returns a waiter for a call under ctx that can join the crowd, if there
// is one at hand: that saves to release mu, make one by newWaiter, and come again.
func (h *handle[T]) memberLocked(ctx context.Context) *waiter[T] {
	done := h.c.crowd.Load().doneOf(ctx)
	if done == nil {
		return nil
	}
	w := h.spare.Swap(nil)
	if w != nil {
		w.done = done
	}
	return w
}

// keep takes back a waiter that is not in use any more, or nil.
func (h *handle[T]) keep(w *waiter[T]) {
	if w == nil {
		return
	}
	var zero T
	w.value, w.err, w.done, w.crowd, w.ready = zero, nil, nil, nil, nil
	h.spare.Store(w)
}

// wait puts w into the queue of s and blocks until it has been served or ctx is done. It
// returns what w has then. mu must be held, and is released.
func (h *handle[T]) wait(ctx context.Context, s *side[T], w *waiter[T]) (v T, err error) {
	begun := h.c.joinLocked(ctx, s, w)
	h.waiting.Add(1)
	s.queue.addLocked(w, h)
	if w.ready == nil {
		w.parked.Wait() // releases mu
		w.served.Load()
	} else {
		h.c.mu.Unlock()
		if begun != nil {
			w.crowd.begin(ctx, begun)
		}
		h.watch(&s.queue, w)
	}
	if w.crowd != nil {
		w.crowd.leave()
	}
	h.waiting.Add(-1)
	v, err = w.value, w.err
	h.keep(w)
	return v, err
}

// watch blocks until w has been served, or takes it out of q when its context is done.
func (h *handle[T]) watch(q *queue[T], w *waiter[T]) {
	select {
	case <-w.ready:
		return
	case <-w.done:
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if w.at != nil {
		q.serveLocked(w, context.Canceled)
	}
}

// verdict is the error that a call under ctx ends with, if it has come to err.
//
// Whoever has been canceled hears of that, also if it failed for another reason.
// Otherwise the clean-up of a neighbour that was canceled too, and has closed its end,
// would pass for the end of the stream. A value that has been handed over, in
// contrast, cannot be given back.
func verdict(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
