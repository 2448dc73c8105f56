package memchan

import (
	"context"
	"reflect"
	"sync/atomic"
)

// A watcher is registered with one or two contexts, on behalf of all calls that wait in the
// channel under them, such as the tasks of one nursery. A call whose context is watched does
// not select on its Done channel, but parks. That takes half the time and no allocation, and
// it does not take the lock of the Done channel, for which all tasks of the nursery compete.
//
// A watcher takes its registrations back when no call uses it any more. We tried to leave
// them in place for the next call: a program that drops a channel without closing it then
// loses memory for as long as the context lives, and the end of a context costs a goroutine
// for each channel. So a watcher pays off only where waits overlap. The channel starts one
// when it has seen many waits under the same context: see minThreshold.
type watcher[T any] struct {
	c *channel[T]

	// The first n registrations are in use. There may be two, so that two tasks under
	// different contexts that hand values to each other keep the watcher alive: while one
	// of them wakes up, the other begins to wait. A registration is added under mu; its
	// done and ctx are written before n grows, and read-only after.
	registrations [2]registration[T]
	n             atomic.Int32

	// users counts the calls that use the watcher: those that park, and those that have
	// added a registration, which select nevertheless. A call counts from before it waits
	// until it runs again, so that the watcher stays while calls come and go. It grows
	// under mu.
	users atomic.Int64

	// Guarded by mu.
	joined int  // how many calls have parked so far
	closed bool // no call can join any more; c.watcher is then nil, or another watcher
}

// A registration is that of a watcher with one context.
type registration[T any] struct {
	x    *watcher[T]
	done <-chan struct{} // of the context
	ctx  any             // the context, if comparing it cannot panic; otherwise nil
	stop func() bool     // ends the registration; written by the call that added it, while it is a user

	calls list[T] // those that wait under the context and use the watcher; guarded by mu
}

// A channel starts a watcher, or adds a registration, after a number of waits that were not
// watched, its threshold. The threshold grows when a watcher had too few users to be worth
// its cost, and falls back when it had many. In addition, the last minThreshold waits of the
// side must have been under the context in question. We tried to ask the same of the other
// side: then each side started watchers of its own, at different times, and joined none of
// the other side's.
const (
	minThreshold = 8
	maxThreshold = 512
	worthwhile   = 64 // users
)

// find returns the registration with the context that has that Done channel, or nil. The
// watcher may be nil.
func (x *watcher[T]) find(done <-chan struct{}) *registration[T] {
	if x == nil {
		return nil
	}
	for i := range x.n.Load() {
		if r := &x.registrations[i]; r.done == done {
			return r
		}
	}
	return nil
}

// doneOf returns the Done channel of ctx, without a call of its methods, if the watcher
// watches ctx and has kept it for comparison. Otherwise it returns nil. The watcher may be
// nil.
func (x *watcher[T]) doneOf(ctx context.Context) <-chan struct{} {
	if x == nil {
		return nil
	}
	for i := range x.n.Load() {
		if r := &x.registrations[i]; r.ctx == ctx {
			return r.done
		}
	}
	return nil
}

// joinLocked decides how w, a call under ctx on side s, learns that ctx is done. If the
// channel's watcher watches ctx, w becomes a user of it and parks. Otherwise w selects on
// the Done channel, unless ctx can never be done.
//
// If it is time to watch ctx, w becomes a user as well, and added is a new registration
// for it, which the caller must begin.
func (c *channel[T]) joinLocked(ctx context.Context, s *side[T], w *waiter[T]) (added *registration[T]) {
	if w.done == nil {
		return nil
	}
	x := c.watcher.Load()
	if r := x.find(w.done); r != nil {
		w.by, w.ready = r, nil
		x.users.Add(1)
		x.joined++
		return nil
	}
	if w.ready == nil { // the watcher that newWaiter saw has ended since
		w.ready = make(chan struct{})
	}
	if w.done != s.recent {
		s.recent, s.streak = w.done, 0
	}
	s.streak++
	c.unwatched++
	if c.unwatched < c.threshold || s.streak < min(c.threshold, minThreshold) {
		return nil
	}
	if x == nil {
		x = &watcher[T]{c: c}
		c.watcher.Store(x)
	}
	n := x.n.Load()
	if int(n) == len(x.registrations) {
		return nil
	}
	added = &x.registrations[n]
	added.x, added.done = x, w.done
	if reflect.TypeOf(ctx).Kind() == reflect.Pointer { // comparing other kinds may panic
		added.ctx = ctx
	}
	x.n.Store(n + 1)
	x.users.Add(1)
	w.by = added
	return added
}

// begin registers with ctx. It is called without mu, because it calls methods of ctx.
func (r *registration[T]) begin(ctx context.Context) {
	r.stop = context.AfterFunc(ctx, r.cancel)
}

// cancel runs when the context is done. It ends the calls under that context, and closes
// the watcher: a call that joined later would not be ended.
func (r *registration[T]) cancel() {
	mu := &r.x.c.mu
	mu.Lock()
	defer mu.Unlock()
	r.x.closeLocked()
	r.calls.failLocked(context.Canceled)
}

func (x *watcher[T]) closeLocked() {
	if !x.closed {
		x.closed = true
		x.c.watcher.Store(nil)
	}
}

// leave is called by each user, without mu, when it has ended its wait.
func (x *watcher[T]) leave() {
	if x.users.Add(-1) > 0 || !x.end() {
		return
	}
	for i := range x.n.Load() {
		x.registrations[i].stop()
	}
}

// end closes the watcher if it has no users any more, and reports whether it did: a call
// may have joined since the last user left.
func (x *watcher[T]) end() bool {
	c := x.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.users.Load() > 0 {
		return false
	}
	if !x.closed {
		if x.joined < worthwhile {
			c.threshold = min(2*c.threshold, maxThreshold)
		} else {
			c.threshold = minThreshold
		}
	}
	x.closeLocked()
	c.unwatched = 0
	return true
}
