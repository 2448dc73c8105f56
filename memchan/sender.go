package memchan

import "context"

// A Sender is a handle of the sending side of a channel. It is Trio's
// MemorySendChannel.
//
// The zero value is a closed handle, of no channel. A Sender must not be copied: see
// [Sender.Clone]. Its methods may be called by any number of goroutines at once.
type Sender[T any] struct{ handle[T] }

// Send hands v to the receiver that has waited longest, or puts it into the buffer. If
// there is neither a receiver nor room it blocks, until a receiver has taken v, or has
// made room for it, after serving those who came to wait before.
//
// It looks at ctx first, and fails with the cause of ctx (see [context.Cause]) if that
// is done, even if it would not have to block; and when ctx is done while it waits. It
// fails with [ErrClosed] if the Sender is closed, also while Send waits, and with
// [ErrBroken] if every receiver is. A Send that fails has handed over nothing. One that
// returns nil has handed v over, even if ctx was done meanwhile.
//
// Send panics if ctx is nil.
func (s *Sender[T]) Send(ctx context.Context, v T) error {
	if ctx == nil {
		panic("memchan: Send with a nil context: pass context.Background(), or use TrySend")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c, h := s.c, &s.handle
	if c == nil {
		return ErrClosed
	}
	var w *waiter[T]
	for {
		c.lock()
		wake, err := c.sendLocked(h, v)
		if err != ErrWouldBlock {
			c.mu.Unlock()
			wake.wake()
			h.keep(w)
			return verdict(ctx, err)
		}
		if w == nil {
			w = h.memberLocked(ctx)
		}
		if w != nil {
			w.value = v
			_, err = h.wait(ctx, &c.senders, w)
			return verdict(ctx, err)
		}
		c.mu.Unlock()
		w = h.newWaiter(ctx)
	}
}

// TrySend is like [Sender.Send], but returns [ErrWouldBlock] where that would block. A
// slot in the buffer that a waiting Send has been given is not free.
func (s *Sender[T]) TrySend(v T) error {
	c := s.c
	if c == nil {
		return ErrClosed
	}
	c.lock()
	wake, err := c.sendLocked(&s.handle, v)
	c.mu.Unlock()
	wake.wake()
	return err
}

// Clone returns another handle of the same side, to be closed by itself: usually one
// for each task that sends, so that the last one to finish ends the channel. It fails
// with [ErrClosed] if s is closed.
func (s *Sender[T]) Clone() (*Sender[T], error) {
	c := s.c
	if c == nil {
		return nil, ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	c.senders.open++
	clone := new(Sender[T])
	clone.c = c
	return clone, nil
}

// Close closes the handle: every later use of it fails with [ErrClosed], and so do the
// calls of Send that wait in it. Other handles of the channel are not touched. When the
// last Sender is closed, receivers get what is in the buffer, and then
// [ErrEndOfChannel]. Close does not block. A second call does nothing.
func (s *Sender[T]) Close() {
	c := s.c
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	c.senders.queue.failLocked(&s.handle, ErrClosed)
	if c.senders.open--; c.senders.open == 0 {
		c.receivers.queue.failLocked(nil, ErrEndOfChannel)
	}
}

// Stats returns the state of the channel at this moment. It may be called on a closed
// handle as well.
func (s *Sender[T]) Stats() Stats { return s.stats() }
