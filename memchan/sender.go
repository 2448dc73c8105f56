package memchan

import "context"

// A Sender is a handle of the sending side of a channel.
//
// The zero value is a closed handle without a channel. A Sender must not be copied; see
// [Sender.Clone]. Its methods may be called from any number of goroutines at once.
type Sender[T any] struct{ handle[T] }

// Send hands v to the receiver that has waited longest, or puts it into the buffer. If no
// receiver waits and the buffer is full, Send blocks until a receiver has taken v or made
// room for it. Calls of Send that wait are served in the order of their arrival.
//
// Send fails with the cause of ctx (see [context.Cause]) if ctx is done, even if it would not
// have to block, and when ctx is done while it waits. It fails with [ErrClosed] if the Sender
// is closed, also while Send waits, and with [ErrBroken] if every receiver is closed. If Send
// returns an error it has handed over nothing. If it returns nil it has handed over v, even if
// ctx was done meanwhile.
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
			return causeFirst(ctx, err)
		}
		if w == nil {
			w = h.watchedWaiterLocked(ctx)
		}
		if w != nil {
			w.value = v
			_, err = h.wait(ctx, &c.senders, w)
			return causeFirst(ctx, err)
		}
		c.mu.Unlock()
		w = h.newWaiter(ctx)
	}
}

// TrySend is like [Sender.Send], but has no context and returns [ErrWouldBlock] where Send
// would block. A slot of the buffer that a waiting Send has got is not free.
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

// Clone returns another handle of the same side, which must be closed on its own. Usually
// each task that sends gets one, so that the channel ends when the last of these tasks does.
// Clone fails with [ErrClosed] if s is closed. It does not block.
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

// Close closes the handle. Every later use of it fails with [ErrClosed], and so do the calls
// of Send that wait in it. Close has no effect on other handles of the channel. When the last
// Sender is closed, receivers get the values in the buffer, and then [ErrEndOfChannel].
//
// Close does not block. A second call does nothing.
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
	s.calls.failLocked(ErrClosed)
	if c.senders.open--; c.senders.open == 0 {
		c.receivers.queue.list.failLocked(ErrEndOfChannel)
	}
}

// Stats returns the state of the channel at this moment. It may be called on a closed
// handle. That of the zero Sender is zero.
func (s *Sender[T]) Stats() Stats { return s.stats() }
