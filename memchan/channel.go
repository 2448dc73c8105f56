package memchan

import (
	"math"
	"sync"
	"sync/atomic"
)

// Unbounded is the capacity of a channel whose buffer has no limit: Send never waits.
// That is a promise to find memory for whatever the senders have in mind. If they are
// faster than the receivers for long, the buffer grows until there is none left, and
// nothing slows them down before. It is right where something else bounds what can be
// under way, and where a sender must not wait because the receivers wait for it.
const Unbounded = math.MaxInt

// Open makes a channel that buffers up to capacity values, and returns the first
// handle of either side. A capacity of 0 makes a rendezvous: each Send waits until its
// value is received. The buffer takes memory as it fills, not before.
//
// Open panics if capacity is negative.
func Open[T any](capacity int) (*Sender[T], *Receiver[T]) {
	if capacity < 0 {
		panic("memchan: Open with a negative capacity: pass 0 for a rendezvous, or Unbounded")
	}
	all := &struct {
		channel  channel[T]
		sender   Sender[T]
		receiver Receiver[T]
	}{}
	c := &all.channel
	c.capacity, c.patience = capacity, patienceMin
	c.senders.open, c.receivers.open = 1, 1
	all.sender.c, all.receiver.c = c, c
	return &all.sender, &all.receiver
}

// A channel is what all handles of a memory channel share.
//
// Invariant, whenever mu is free: who waits must wait. If there are receivers in the
// queue that have not been canceled, the buffer is empty and there are no such
// senders; if there are such senders, the buffer is full.
type channel[T any] struct {
	capacity int // read-only

	mu sync.Mutex // never held while something blocks, nor while a context is asked

	// Guarded by mu.
	buffer    ring[T]
	peak      int // most values that have been in the buffer at a time
	discarded int // values in the buffer when the last receiver was closed
	senders   side[T]
	receivers side[T]
	alone     int // waits outside of crowds since the last crowd
	patience  int // how many of them it takes to found the next one

	// crowd is what those who come to wait may join, or nil. It is written under mu;
	// without mu it is a hint.
	crowd atomic.Pointer[crowd[T]]
}

// lock locks mu. It tries often before it gives the processor away: mu is held for so
// short a time that this is rarely needed, and where many tasks use a channel those who
// sleep on mu make all the others queue behind them. With more tries than these a
// goroutine that holds mu, and cannot run, costs more than they gain.
func (c *channel[T]) lock() {
	for range 50 {
		if c.mu.TryLock() {
			return
		}
	}
	c.mu.Lock()
}

// A side is all there is of the senders or the receivers. The channel's mu guards it.
type side[T any] struct {
	open   int // handles that have not been closed
	queue  queue[T]
	recent <-chan struct{} // under which the last one waited outside of crowds
	streak int             // how many did so in a row
}

// sendLocked hands v to a receiver that waits, or puts it into the buffer. The caller
// wakes whom it returns, once mu is released.
func (c *channel[T]) sendLocked(h *handle[T], v T) (wake waker, err error) {
	if h.closed {
		return wake, ErrClosed
	}
	if c.receivers.open == 0 {
		return wake, ErrBroken
	}
	if w := c.receivers.queue.frontLocked(); w != nil {
		w.value = v
		return c.receivers.queue.serveLocked(w, nil), nil
	}
	if c.buffer.n == c.capacity {
		return wake, ErrWouldBlock
	}
	c.buffer.push(v, c.capacity)
	c.peak = max(c.peak, c.buffer.n)
	return wake, nil
}

// receiveLocked takes the oldest value. The slot that it frees goes to the sender that
// has waited longest, so that nobody who comes later gets it. As for wake see
// sendLocked.
func (c *channel[T]) receiveLocked(h *handle[T]) (v T, wake waker, err error) {
	if h.closed {
		return v, wake, ErrClosed
	}
	if c.buffer.n > 0 {
		v = c.buffer.pop()
		if w := c.senders.queue.frontLocked(); w != nil {
			c.buffer.push(w.value, c.capacity)
			wake = c.senders.queue.serveLocked(w, nil)
		} else if c.capacity == Unbounded {
			c.buffer.trim()
		}
		return v, wake, nil
	}
	if w := c.senders.queue.frontLocked(); w != nil { // a rendezvous
		v = w.value
		wake = c.senders.queue.serveLocked(w, nil)
		return v, wake, nil
	}
	if c.senders.open == 0 {
		return v, wake, ErrEndOfChannel
	}
	return v, wake, ErrWouldBlock
}
