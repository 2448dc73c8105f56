package memchan

import (
	"context"
	"iter"
)

// A Receiver is a handle of the receiving side of a channel. It is Trio's
// MemoryReceiveChannel.
//
// The zero value is a closed handle, of no channel. A Receiver must not be copied: see
// [Receiver.Clone]. Its methods may be called by any number of goroutines at once; each
// value goes to one of them.
type Receiver[T any] struct{ handle[T] }

// Receive takes the oldest value that has been sent. If there is none it blocks until
// one comes, after serving those who came to wait before.
//
// It looks at ctx first, and fails with the cause of ctx (see [context.Cause]) if that
// is done, even if it would not have to block; and when ctx is done while it waits. It
// fails with [ErrClosed] if the Receiver is closed, also while Receive waits, and with
// [ErrEndOfChannel] if every sender is and there are no more values. A value that was
// handed to it is returned, with a nil error, even if ctx was done meanwhile; a Receive
// that fails has taken nothing.
//
// Receive panics if ctx is nil.
func (r *Receiver[T]) Receive(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("memchan: Receive with a nil context: pass context.Background(), or use TryReceive")
	}
	var zero T
	if ctx.Err() != nil {
		return zero, context.Cause(ctx)
	}
	c, h := r.c, &r.handle
	if c == nil {
		return zero, ErrClosed
	}
	var w *waiter[T]
	for {
		c.lock()
		v, wake, err := c.receiveLocked(h)
		if err != ErrWouldBlock {
			c.mu.Unlock()
			wake.wake()
			h.keep(w)
			return v, verdict(ctx, err)
		}
		if w == nil {
			w = h.memberLocked(ctx)
		}
		if w != nil {
			v, err = h.wait(ctx, &c.receivers, w)
			return v, verdict(ctx, err)
		}
		c.mu.Unlock()
		w = h.newWaiter(ctx)
	}
}

// TryReceive is like [Receiver.Receive], but returns [ErrWouldBlock] where that would
// block. A value that a waiting Receive has been given is gone.
func (r *Receiver[T]) TryReceive() (T, error) {
	c := r.c
	if c == nil {
		var zero T
		return zero, ErrClosed
	}
	c.lock()
	v, wake, err := c.receiveLocked(&r.handle)
	c.mu.Unlock()
	wake.wake()
	return v, err
}

// All returns an iterator that receives values until the end of the channel, each with
// a nil error. If Receive fails with anything else than [ErrEndOfChannel], the iterator
// yields that error, with the zero value, and ends.
//
// Leaving the loop early takes nothing more out of the channel and closes nothing: the
// Receiver, and the iterator, may be used again. Several loops at the same time share
// the values.
//
// All panics if ctx is nil.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	if ctx == nil {
		panic("memchan: All with a nil context: pass context.Background() if there is none")
	}
	return func(yield func(T, error) bool) {
		for {
			v, err := r.Receive(ctx)
			if err == ErrEndOfChannel || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Clone returns another handle of the same side, to be closed by itself: usually one
// for each task that receives, so that senders fail when the last one has ended. It
// fails with [ErrClosed] if r is closed.
func (r *Receiver[T]) Clone() (*Receiver[T], error) {
	c := r.c
	if c == nil {
		return nil, ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	c.receivers.open++
	clone := new(Receiver[T])
	clone.c = c
	return clone, nil
}

// Close closes the handle: every later use of it fails with [ErrClosed], and so do the
// calls of Receive that wait in it. Other handles of the channel are not touched.
//
// When the last Receiver is closed, senders fail with [ErrBroken], and the values in
// the buffer are discarded: nobody can receive them any more, and the channel lets go
// of them. [Stats] tells how many there were. Where values must not get lost, such as
// connections that somebody has to close, close the senders first and receive until
// [ErrEndOfChannel].
//
// Close does not block. A second call does nothing.
func (r *Receiver[T]) Close() {
	c := r.c
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	c.receivers.queue.failLocked(&r.handle, ErrClosed)
	if c.receivers.open--; c.receivers.open == 0 {
		c.senders.queue.failLocked(nil, ErrBroken)
		c.discarded = c.buffer.n
		c.buffer = ring[T]{}
	}
}

// Stats returns the state of the channel at this moment, the same as that of its
// senders. It may be called on a closed handle as well.
func (r *Receiver[T]) Stats() Stats { return r.stats() }
