package memchan

import "context"

// SetThreshold sets after how many waits under one context the channel starts a watcher.
func SetThreshold[T any](s *Sender[T], n int) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.threshold = n
}

// Threshold returns it.
func Threshold[T any](s *Sender[T]) int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.threshold
}

// HasWatcher reports whether the channel has a watcher.
func HasWatcher[T any](s *Sender[T]) bool { return s.c.watcher.Load() != nil }

// EndWatcher does what the last user of a watcher does when it leaves, and reports whether
// that has ended the watcher.
func EndWatcher[T any](s *Sender[T]) bool { return s.c.watcher.Load().end() }

// Watched returns how many contexts the watcher of the channel watches, 0 if there is none.
func Watched[T any](s *Sender[T]) int {
	x := s.c.watcher.Load()
	if x == nil {
		return 0
	}
	return int(x.n.Load())
}

// SendAfter is Send on a channel where it has to wait. It calls between when it has looked
// for a watcher, and before it waits.
func SendAfter[T any](ctx context.Context, s *Sender[T], v T, between func()) error {
	w := s.newWaiter(ctx)
	between()
	s.c.lock()
	w.value = v
	_, err := s.wait(ctx, &s.c.senders, w)
	return causeFirst(ctx, err)
}

// ReceiveAfter is Receive in the same way.
func ReceiveAfter[T any](ctx context.Context, r *Receiver[T], between func()) (T, error) {
	w := r.newWaiter(ctx)
	between()
	r.c.lock()
	v, err := r.wait(ctx, &r.c.receivers, w)
	return v, causeFirst(ctx, err)
}

// Slots returns how many values the buffer of the channel has memory for.
func Slots[T any](s *Sender[T]) int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return len(s.c.buffer.slots)
}

// TangleReceivers makes a loop of the front of the receivers' queue while f runs, so that a
// search from the front never ends. At least two calls must wait, and be there afterwards.
func TangleReceivers[T any](r *Receiver[T], f func()) { tangle(r.c, &r.c.receivers.queue, f) }

// TangleSenders does the same for the senders' queue.
func TangleSenders[T any](s *Sender[T], f func()) { tangle(s.c, &s.c.senders.queue, f) }

func tangle[T any](c *channel[T], q *queue[T], f func()) {
	c.mu.Lock()
	first := q.list.first
	second := first.links[inQueue].next
	first.links[inQueue].next = first
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		first.links[inQueue].next = second
	}()
	f()
}
