package nursery

import (
	"context"
	"sync"
)

// A feed runs items that have to be waited for as tasks of a nursery. It has at most
// limit workers, which take an item from a short queue, run it, and take the next. A
// worker that finds the queue empty, and no other worker pulling, pulls items from the
// source.
//
// While a worker runs an item, which may block, another one must be there for the items
// that follow. Invariant: while there is something to do, which means an item in
// the queue, or more to pull and no worker pulling, at least one worker that does not run
// an item is runnable, unless all limit of them do. To wake one for each item would be
// as expensive as handing the item over, so it is done only if none is coming already:
// on a busy machine a worker gets through many tiny items before the one that it has
// woken runs for the first time.
type feed[T any] struct {
	n     *Nursery
	limit int
	src   source[T] // one of the next two
	recv  receiver[T]
	seq   sequence[T]
	given any // the function of the user that gets the items, for names
	fn    func(ctx context.Context, item T) error

	room int // of the worker that pulls; how many items it may pull at a time, at most as many as fit into the queue

	mu      sync.Mutex // never held while the source or an item runs
	idle    sync.Cond  // where workers with nothing to do wait; its L is mu
	queue   [8]T       // guarded by mu; items from begun to before pulled, each at its index modulo 8
	begun   int        // guarded by mu; how many items have been taken from the queue
	pulled  int        // guarded by mu; how many items have been put into the queue
	done    int        // guarded by mu; how many items have ended; one that ends its worker does not count, but no more are pulled then
	pulling bool       // guarded by mu; a worker pulls
	coming  bool       // guarded by mu; a worker is on the way to look for something to do
	ended   bool       // guarded by mu; no worker will pull any more
	workers int        // guarded by mu; how many there are
	waiting int        // guarded by mu; how many of them are in idle and not woken
}

// A source is where a feed has its items from. Its methods are called by one worker at a
// time, and may panic or exit.
type source[T any] interface {
	pull() (item T, ok bool) // blocks until there is an item, or reports that there are no more
	over() bool              // reports whether it is known that there are no more, without a pull
	stop()                   // is called when no more items are wanted
	label() label            // names the source in errors
}

// startFeed starts to run the items of a supply. It is called by the body of n.
func startFeed[T any](n *Nursery, limit int, s supply[T], given any, fn func(ctx context.Context, item T) error) {
	f := &feed[T]{n: n, limit: limit, given: given, fn: fn}
	if s.seq != nil {
		f.seq = sequence[T]{f: f, seq: s.seq}
		f.src = &f.seq
	} else {
		f.recv = receiver[T]{n: n, receive: s.receive, given: s.over}
		f.src = &f.recv
	}
	f.idle.L = &f.mu
	f.mu.Lock()
	f.callLocked()
	f.mu.Unlock()
}

// callLocked ensures that a worker is coming if there is something to do. Its caller has
// a share in the nursery.
func (f *feed[T]) callLocked() {
	switch {
	case f.coming, f.begun == f.pulled && (f.pulling || f.ended):
	case f.waiting > 0:
		f.waiting--
		f.coming = true
		f.idle.Signal()
	case f.workers < f.limit:
		f.n.enter(taskShare)
		f.workers++
		f.coming = true
		go f.work()
	}
}

// work is the goroutine of a worker.
func (f *feed[T]) work() {
	w := f.n.newWorker(f.given, f.src.label().name)
	w.src = f.src
	defer w.exit()
	defer f.leave(&w)
	defer w.end()
	f.mu.Lock()
	f.coming = false
	for f.readyLocked(&w) {
		w.begin(f.begun)
		v := f.takeLocked()
		f.mu.Unlock()
		if itemsApart {
			w.apart(w.item, f.limit == 1, func(ctx context.Context) error { return f.fn(ctx, v) })
		} else if err := f.fn(w.ctx, v); err != nil {
			w.failed(err)
		}
		f.mu.Lock()
		f.done++
	}
	f.mu.Unlock()
	w.returned = true
}

// leave is deferred by the goroutine of a worker. What is left to do by a worker that did
// not return, at least stopping the source, is for another one.
func (f *feed[T]) leave(w *worker) {
	if w.returned {
		return
	}
	f.mu.Lock()
	if w.item == theSource {
		f.endLocked()
	}
	f.workers--
	f.callLocked()
	f.mu.Unlock()
}

// readyLocked waits until there is an item in the queue, and reports whether there is,
// or no more items come. It unlocks mu while it pulls or waits.
func (f *feed[T]) readyLocked(w *worker) bool {
	for f.begun == f.pulled {
		switch {
		case f.ended:
			return false
		case f.pulling:
			f.waiting++
			w.rest()
			f.idle.Wait()
			f.coming = false
		default:
			f.pulling = true
			f.room = min(f.limit-(f.pulled-f.done), len(f.queue))
			f.mu.Unlock()
			w.begin(theSource)
			v, ok := f.pull()
			f.mu.Lock()
			f.pulling = false
			if ok {
				f.putLocked(v)
			} else {
				f.endLocked()
			}
		}
	}
	return true
}

func (f *feed[T]) putLocked(v T) {
	f.queue[f.pulled%len(f.queue)] = v
	f.pulled++
}

// put puts an item into the queue, which has room for it, while its caller pulls.
func (f *feed[T]) put(v T) {
	f.mu.Lock()
	f.putLocked(v)
	f.callLocked()
	f.mu.Unlock()
}

func (f *feed[T]) takeLocked() T {
	var none T
	v := f.queue[f.begun%len(f.queue)]
	f.queue[f.begun%len(f.queue)] = none
	f.begun++
	f.callLocked() // another worker is needed for the next item, because this one may take long
	return v
}

// pull pulls an item from the source, and reports whether there was one; if not, there
// will be no more. It is called by the worker that pulls.
func (f *feed[T]) pull() (v T, ok bool) {
	if f.n.ctx.Err() == nil {
		if v, ok = f.src.pull(); ok {
			return v, ok
		}
	}
	if f.n.ctx.Err() != nil && !f.src.over() {
		// The source may have ended because of that, as a channel that its sender
		// closes when it is canceled: the items may not have been all.
		f.n.cutShort(f.given)
	}
	f.src.stop()
	return v, false
}

// endLocked sends the workers home: no worker will pull any more.
func (f *feed[T]) endLocked() {
	f.ended, f.waiting = true, 0
	f.idle.Broadcast()
}
