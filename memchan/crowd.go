package memchan

import (
	"context"
	"sync/atomic"
)

// A crowd watches one context for those who wait in a channel under it, as tasks of a
// nursery do. Who has somebody to watch for him need not select, but parks: that costs
// half as much, no allocation, and not the lock of the Done channel, which all tasks of
// the nursery contend for.
//
// A crowd has to be registered with its context, and is taken off again once nobody
// waits. To leave it there for the next one was tried: it costs those who drop a
// channel without closing it some memory for as long as the context lives, and each end
// of a context a goroutine. So it pays only where waits overlap, and the channel founds
// one when it has seen many waits under the same context: see patience.
type crowd[T any] struct {
	c    *channel[T]
	done <-chan struct{} // of the context

	// members are the founder, who selects nevertheless, and those who park. They
	// count from before they wait until they have noticed that they need not any
	// more, so that the crowd stays while they come and go. It grows under mu.
	members atomic.Int64

	joined int // how many members there have been, without the founder; guarded by mu

	// stop takes the crowd off the context. The founder writes it while it counts.
	stop func() bool
}

// Patience is how many waits under one context, outside of crowds, a channel sees before
// it founds a crowd. It grows when a crowd was not worth the trouble.
const (
	patienceMin = 8
	patienceMax = 4096
	worthwhile  = 64 // members
)

// joinLocked makes w a member of the crowd for its context, if there is one or if it is
// time to found it. Otherwise w has to watch its context by itself, unless that is
// never done. A founder must begin the crowd.
func (c *channel[T]) joinLocked(w *waiter[T]) (founder bool) {
	x := c.crowd.Load()
	switch {
	case w.done == nil:
		return false
	case x != nil && x.done == w.done:
		w.crowd, w.ready = x, nil
		x.members.Add(1)
		x.joined++
		return false
	case w.ready == nil: // there was a crowd a moment ago
		w.ready = make(chan struct{})
	}
	if w.done != c.recent {
		c.recent, c.streak = w.done, 0
	}
	c.streak++
	if x != nil || c.streak < c.patience {
		return false
	}
	c.streak = 0
	x = &crowd[T]{c: c, done: w.done}
	x.members.Store(1)
	w.crowd = x
	c.crowd.Store(x)
	return true
}

// begin is called by the founder, without mu, because it calls methods of ctx.
func (x *crowd[T]) begin(ctx context.Context) { x.stop = context.AfterFunc(ctx, x.cancel) }

// cancel ends the calls of all members.
func (x *crowd[T]) cancel() {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.c.crowd.CompareAndSwap(x, nil)
	for _, q := range []*queue[T]{&x.c.senders.queue, &x.c.receivers.queue} {
		for w := q.first; w != nil; {
			next := w.next
			if w.crowd == x {
				q.serveLocked(w, context.Canceled).wake()
			}
			w = next
		}
	}
}

// leave is called by each member, without mu, when it does not wait any more.
func (x *crowd[T]) leave() {
	if x.members.Add(-1) > 0 {
		return
	}
	if x.end() {
		x.stop()
	}
}

// end reports whether the crowd has to be taken off its context, because nobody waits
// any more and it is not over already.
func (x *crowd[T]) end() bool {
	c := x.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.members.Load() > 0 || !c.crowd.CompareAndSwap(x, nil) {
		return false
	}
	if x.joined < worthwhile {
		c.patience = min(2*c.patience, patienceMax)
	} else {
		c.patience = patienceMin
	}
	return true
}
