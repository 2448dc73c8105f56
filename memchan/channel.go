package memchan

import (
	"math"
	"sync"
	"sync/atomic"
)

// Unbounded is the capacity of a channel whose buffer has no limit, so that Send never
// waits. If the senders are faster than the receivers for long, the buffer grows until the
// memory is used up, and nothing slows the senders down. Use it where something else bounds
// the number of values, or where a sender must not wait because the receivers wait for it.
const Unbounded = math.MaxInt

// Open makes a channel that buffers up to capacity values, and returns the first handle of
// each side. With a capacity of 0 each Send waits until its value is received. The buffer
// takes memory as it fills, not before.
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
	c.capacity, c.threshold = capacity, minThreshold
	c.senders.open, c.receivers.open = 1, 1
	all.sender.c, all.receiver.c = c, c
	return &all.sender, &all.receiver
}

// A channel is what all handles of a memory channel share.
//
// Whenever mu is free, a call that waits has a reason to wait: if the queue of the receivers
// has calls whose contexts are not done, then the buffer is empty and the queue of the senders
// has no such calls; if the queue of the senders has such calls, the buffer is full.
type channel[T any] struct {
	capacity int // read-only

	mu sync.Mutex // never held while anything blocks, nor while a method of a context is called

	// Guarded by mu.
	buffer    ring[T]
	peak      int // most values that have been in the buffer at a time
	discarded int // values in the buffer when the last receiver was closed
	senders   side[T]
	receivers side[T]
	unwatched int // waits without a watcher, since the last watcher ended
	threshold int // how many of them it takes to start the next one

	// watcher is what calls that begin to wait can join, or nil. It is written under mu;
	// without mu it is a hint.
	watcher atomic.Pointer[watcher[T]]
}

// lock locks mu. It tries several times before it gives the processor away: mu is held for
// so short a time that this is rarely needed, and a goroutine that sleeps on mu makes all
// others queue behind it. With more tries than these, more time is lost when the goroutine
// that holds mu is not running.
func (c *channel[T]) lock() {
	for range 50 {
		if c.mu.TryLock() {
			return
		}
	}
	c.mu.Lock()
}

// A side is the state of all senders, or of all receivers. The channel's mu guards it.
type side[T any] struct {
	open   int // handles that have not been closed
	queue  queue[T]
	recent <-chan struct{} // the Done channel of the last wait that was not watched
	streak int             // how many such waits had that Done channel, one after another
}

// sendLocked hands v to a receiver that waits, or puts it into the buffer. The caller must
// call wake.wake, best after it has released mu.
func (c *channel[T]) sendLocked(h *handle[T], v T) (wake waker, err error) {
	if h.closed {
		return wake, ErrClosed
	}
	if c.receivers.open == 0 {
		return wake, ErrBroken
	}
	if w := c.receivers.queue.frontLocked(); w != nil {
		w.value = v
		return w.serveLocked(nil), nil
	}
	if c.buffer.n == c.capacity {
		return wake, ErrWouldBlock
	}
	c.buffer.push(v, c.capacity)
	c.peak = max(c.peak, c.buffer.n)
	return wake, nil
}

// receiveLocked takes the oldest value. The slot that it frees goes to the sender that has
// waited longest, so that a later Send cannot take it. For wake see sendLocked.
func (c *channel[T]) receiveLocked(h *handle[T]) (v T, wake waker, err error) {
	if h.closed {
		return v, wake, ErrClosed
	}
	if c.buffer.n > 0 {
		v = c.buffer.pop()
		if w := c.senders.queue.frontLocked(); w != nil {
			c.buffer.push(w.value, c.capacity)
			wake = w.serveLocked(nil)
		} else if c.capacity == Unbounded {
			c.buffer.trim()
		}
		return v, wake, nil
	}
	if w := c.senders.queue.frontLocked(); w != nil { // the capacity is 0
		v = w.value
		wake = w.serveLocked(nil)
		return v, wake, nil
	}
	if c.senders.open == 0 {
		return v, wake, ErrEndOfChannel
	}
	return v, wake, ErrWouldBlock
}
