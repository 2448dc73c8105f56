package memchan

import (
	"context"
	"reflect"
	"sync/atomic"
)

// A crowd watches one or two contexts for those who wait in a channel under them, as
// tasks of a nursery do. Who has somebody to watch for him need not select, but parks:
// that costs half as much, no allocation, and not the lock of the Done channel, which
// all tasks of the nursery contend for.
//
// A crowd has to be registered with its contexts, and is taken off again once nobody
// waits. To leave it there for the next one was tried: it costs those who drop a
// channel without closing it some memory for as long as the context lives, and each end
// of a context a goroutine. So it pays only where waits overlap, and the channel founds
// one when it has seen many waits under the same context: see patience.
type crowd[T any] struct {
	c *channel[T]

	// watches are the contexts, as many as watched says. There may be two, so that two
	// tasks under contexts of their own that hand values to each other keep the crowd
	// going: while one wakes up, the other begins to wait. They are added under mu; done
	// and ctx are written before watched, and do not change any more.
	watches [2]watch
	watched atomic.Int32

	// members are the founders, who select nevertheless, and those who park. They
	// count from before they wait until they have noticed that they need not any
	// more, so that the crowd stays while they come and go. It grows under mu.
	members atomic.Int64

	// Guarded by mu.
	joined int  // how many members there have been, without founders
	over   bool // nobody can join any more; then c.crowd is another one, or nil
}

// A watch is a context that a crowd watches.
type watch struct {
	done <-chan struct{} // of the context
	ctx  any             // the context, if it may be compared; otherwise nil
	stop func() bool     // takes the crowd off the context; written by the founder while it is a member
}

// Patience is how many waits outside of crowds a channel sees before it founds a crowd.
// It grows when a crowd was not worth the trouble. Besides, patienceMin waits of a side
// in a row must have been under the context that is to be watched. To ask for as many of
// the other side as of the founder's was tried: either one then founded crowds on its
// own, at different times, and joined none of the other's.
const (
	patienceMin = 8
	patienceMax = 512
	worthwhile  = 64 // members
)

// watchesDone reports whether the crowd, which may be nil, watches the context with that
// Done channel.
func (x *crowd[T]) watchesDone(done <-chan struct{}) bool {
	if x == nil {
		return false
	}
	for i := range x.watched.Load() {
		if x.watches[i].done == done {
			return true
		}
	}
	return false
}

// doneOf returns the Done channel of ctx, without a call of its methods, if the crowd,
// which may be nil, watches ctx and can tell so. Otherwise it returns nil.
func (x *crowd[T]) doneOf(ctx context.Context) <-chan struct{} {
	if x == nil {
		return nil
	}
	for i := range x.watched.Load() {
		if x.watches[i].ctx == ctx {
			return x.watches[i].done
		}
	}
	return nil
}

// joinLocked makes w, a call on side s, a member of the crowd that watches its context,
// if there is one or if it is time to found it. Otherwise w has to watch its context by
// itself, unless that is never done. A founder must begin the watch that it gets.
func (c *channel[T]) joinLocked(ctx context.Context, s *side[T], w *waiter[T]) (begun *watch) {
	x := c.crowd.Load()
	switch {
	case w.done == nil:
		return nil
	case x.watchesDone(w.done):
		w.crowd, w.ready = x, nil
		x.members.Add(1)
		x.joined++
		return nil
	case w.ready == nil: // there was a crowd a moment ago
		w.ready = make(chan struct{})
	}
	if w.done != s.recent {
		s.recent, s.streak = w.done, 0
	}
	s.streak++
	c.alone++
	if c.alone < c.patience || s.streak < min(c.patience, patienceMin) {
		return nil
	}
	if x == nil {
		x = &crowd[T]{c: c}
		c.crowd.Store(x)
	}
	n := x.watched.Load()
	if int(n) == len(x.watches) {
		return nil
	}
	begun = &x.watches[n]
	begun.done = w.done
	if reflect.TypeOf(ctx).Kind() == reflect.Pointer { // others may panic when they are compared
		begun.ctx = ctx
	}
	x.watched.Store(n + 1)
	x.members.Add(1)
	w.crowd = x
	return begun
}

// begin is called by the founder, without mu, because it calls methods of ctx.
func (x *crowd[T]) begin(ctx context.Context, begun *watch) {
	done := begun.done
	begun.stop = context.AfterFunc(ctx, func() { x.cancel(done) })
}

// cancel ends the calls of all members under the context with that Done channel, and
// lets nobody join any more: there would be nobody to end the call.
func (x *crowd[T]) cancel(done <-chan struct{}) {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.closeLocked()
	for _, q := range []*queue[T]{&x.c.senders.queue, &x.c.receivers.queue} {
		for w := q.first; w != nil; {
			next := w.next
			if w.crowd == x && w.done == done {
				q.serveLocked(w, context.Canceled).wake()
			}
			w = next
		}
	}
}

func (x *crowd[T]) closeLocked() {
	if !x.over {
		x.over = true
		x.c.crowd.Store(nil)
	}
}

// leave is called by each member, without mu, when it does not wait any more.
func (x *crowd[T]) leave() {
	if x.members.Add(-1) > 0 || !x.end() {
		return
	}
	for i := range x.watched.Load() {
		x.watches[i].stop()
	}
}

// end reports whether the crowd has to be taken off its contexts, because nobody waits
// any more. After that nobody joins it.
func (x *crowd[T]) end() bool {
	c := x.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.members.Load() > 0 {
		return false
	}
	if !x.over {
		if x.joined < worthwhile {
			c.patience = min(2*c.patience, patienceMax)
		} else {
			c.patience = patienceMin
		}
	}
	x.closeLocked()
	c.alone = 0
	return true
}
