package memchan

import (
	"context"
	"sync"
	"sync/atomic"
)

// A handle is what Sender and Receiver have in common.
type handle[T any] struct {
	c *channel[T] // read-only; nil in a handle that Open or Clone did not make

	// Guarded by c.mu.
	closed bool
	calls  list[T] // those that wait in the handle

	// spare is a waiter that is not in use, or nil: a task that waits again and again
	// does not need a new one each time. It has no ready channel.
	spare atomic.Pointer[waiter[T]]
}

// A parkingLock is a channel's mu as the lock of a call that parks: it is released when
// the call has begun to wait, and not taken again when the call wakes up.
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
	if w.done != nil && h.c.watcher.Load().find(w.done) == nil {
		w.ready = make(chan struct{}) // here and not later, to hold mu for a shorter time
	}
	return w
}

// watchedWaiterLocked returns a waiter for a call under ctx, if the watcher watches ctx
// and there is a spare waiter. Otherwise it returns nil: the caller then has to release mu,
// call newWaiter, and try again.
func (h *handle[T]) watchedWaiterLocked(ctx context.Context) *waiter[T] {
	done := h.c.watcher.Load().doneOf(ctx)
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
	w.value, w.err, w.done, w.by, w.ready = zero, nil, nil, nil, nil
	h.spare.Store(w)
}

// wait puts w into the queue of s and blocks until another goroutine has served it, or ctx
// is done. It returns the value and the error of w. mu must be held, and is released.
func (h *handle[T]) wait(ctx context.Context, s *side[T], w *waiter[T]) (v T, err error) {
	added := h.c.joinLocked(ctx, s, w)
	s.queue.addLocked(w, h)
	if w.ready == nil {
		w.parked.Wait() // releases mu
		w.served.Load()
	} else {
		h.c.mu.Unlock()
		if added != nil {
			added.begin(ctx)
		}
		h.await(w)
	}
	if w.by != nil {
		w.by.x.leave()
	}
	v, err = w.value, w.err
	h.keep(w)
	return v, err
}

// await blocks until w has been served. When the context of w is done, it takes w out of
// its queue itself.
func (h *handle[T]) await(w *waiter[T]) {
	select {
	case <-w.ready:
		return
	case <-w.done:
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if w.at != nil {
		w.serveLocked(context.Canceled)
	}
}

// causeFirst returns the error of a call under ctx that has come to err: the cause of ctx,
// if the call has failed and ctx is done.
//
// Without this rule, a neighbor that was canceled together with the caller, and closed its
// end, would look like the end of the stream. A success remains one, because a value that
// has been handed over cannot be given back.
func causeFirst(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
