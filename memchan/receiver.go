package memchan

import (
	"context"
	"iter"
)

// A Receiver is a handle of the receiving side of a channel.
//
// The zero value is a closed handle without a channel. A Receiver must not be copied; see
// [Receiver.Clone]. Its methods may be called from any number of goroutines at once; each
// value goes to one of them.
type Receiver[T any] struct{ handle[T] }

// Receive takes the oldest value that has been sent. If there is none it blocks until a value
// is sent. Calls of Receive that wait are served in the order of their arrival.
//
// Receive fails with the cause of ctx (see [context.Cause]) if ctx is done, even if it would
// not have to block, and when ctx is done while it waits. It fails with [ErrClosed] if the
// Receiver is closed, also while Receive waits, and with [ErrEndOfChannel] if every sender is
// closed and no values are left. A value that was handed to a Receive is returned, with a nil
// error, even if ctx was done meanwhile. If Receive returns an error it has taken nothing.
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
			return v, causeFirst(ctx, err)
		}
		if w == nil {
			w = h.watchedWaiterLocked(ctx)
		}
		if w != nil {
			v, err = h.wait(ctx, &c.receivers, w)
			return v, causeFirst(ctx, err)
		}
		c.mu.Unlock()
		w = h.newWaiter(ctx)
	}
}

// TryReceive is like [Receiver.Receive], but has no context and returns [ErrWouldBlock] where
// Receive would block. It cannot take a value that a waiting Receive has got.
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

// All returns an iterator that receives values until the end of the channel, and yields each
// with a nil error. If Receive fails with an error other than [ErrEndOfChannel], the iterator
// yields the zero value and that error, and ends.
//
// Leaving the loop early takes no more values out of the channel and closes nothing; the
// Receiver and the iterator may be used again. Several loops at the same time share the
// values.
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

// Clone returns another handle of the same side, which must be closed on its own. Usually
// each task that receives gets one, so that senders fail when the last of these tasks has
// ended. Clone fails with [ErrClosed] if r is closed. It does not block.
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

// Close closes the handle. Every later use of it fails with [ErrClosed], and so do the calls
// of Receive that wait in it. Close has no effect on other handles of the channel.
//
// When the last Receiver is closed, senders fail with [ErrBroken], and the values in the
// buffer are discarded: they cannot be received any more, and the channel keeps no reference
// to them. [Stats] has their number. If no value may be lost, for example because the values
// are connections that have to be closed, close the senders first and receive until
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
	r.calls.failLocked(ErrClosed)
	if c.receivers.open--; c.receivers.open == 0 {
		c.senders.queue.list.failLocked(ErrBroken)
		c.discarded = c.buffer.n
		c.buffer = ring[T]{}
	}
}

// Stats returns the state of the channel at this moment, the same as [Sender.Stats] does. It
// may be called on a closed handle. That of the zero Receiver is zero.
func (r *Receiver[T]) Stats() Stats { return r.stats() }
