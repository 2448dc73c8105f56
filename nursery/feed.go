package nursery

import (
	"context"
	"iter"
	"strconv"
	"sync"
)

// A feed runs the items of a sequence as tasks of a nursery: with workers, which are
// at most limit goroutines that take an item from a short queue, run it, and take the
// next. A worker that finds the queue empty, and nobody else at it, pulls items into
// the queue.
//
// The sequence runs in a coroutine, by means of iter.Pull, so that whoever is free can
// go on with it. Tried and rejected: to range over it in the goroutine of the body and
// hand the items over. For tiny items and a limit of 2 that costs four times as much,
// because for every limit items two goroutines have to be woken.
//
// Switching to a coroutine is cheap, but not beside an item that does nothing. So once
// there it pulls as many items as may be under way, up to the length of the queue.
//
// While a worker runs an item, which may block, somebody else must be there for the
// items that follow. Invariant: while there is something to do, which means an item in
// the queue, or more to pull and nobody at it, at least one worker that does not run
// an item is runnable, unless all limit of them do. To wake one for each item would be
// as expensive as handing it over, so it is done only if none is coming already: on a
// busy machine a worker gets through many tiny items before the one that it has woken
// runs for the first time.
type feed[T any] struct {
	n     *Nursery
	limit int
	seq   iter.Seq[T]
	fn    func(ctx context.Context, item T) error

	// The worker that pulls has these for itself, and the coroutine while that waits.
	next func() (T, bool) // nil before the first pull
	stop func()
	room int // how many items may still be pulled before next returns

	mu      sync.Mutex // never held while the sequence or an item runs
	idle    sync.Cond  // where workers with nothing to do wait; its L is mu
	queue   [8]T       // guarded by mu; items from begun to before pulled, each at its index modulo 8
	begun   int        // guarded by mu; how many items have been taken from the queue
	pulled  int        // guarded by mu; how many items have been put into the queue
	done    int        // guarded by mu; how many items have returned; if one did not, no more are pulled
	pulling bool       // guarded by mu; a worker pulls
	coming  bool       // guarded by mu; a worker is on the way to look for something to do
	ended   bool       // guarded by mu; nobody will pull any more
	workers int        // guarded by mu; how many there are
	waiting int        // guarded by mu; how many of them are in idle and not woken
}

// noItem is the index of the item of a worker that runs none.
const noItem = -1

// startFeed starts to run the items. It is called by the body of n.
func startFeed[T any](n *Nursery, limit int, seq iter.Seq[T], fn func(ctx context.Context, item T) error) {
	f := &feed[T]{n: n, limit: limit, seq: seq, fn: fn}
	f.idle.L = &f.mu
	f.mu.Lock()
	f.callLocked()
	f.mu.Unlock()
}

// callLocked sees to it that a worker is coming if there is something to do. Whoever
// calls it has a share in the nursery.
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
//
// Nothing is deferred for a single item: one that does not return ends the worker.
func (f *feed[T]) work() {
	defer f.n.exit(taskShare)
	item := noItem
	returned := false
	defer func() {
		if !returned {
			f.broken(item, recover())
		}
	}()
	f.mu.Lock()
	f.coming = false
	for f.readyLocked() {
		item = f.begun
		v := f.takeLocked()
		f.mu.Unlock()
		if err := f.fn(f.n.ctx, v); err != nil {
			f.n.endWithError(f.who(item), err, nil)
		}
		item = noItem
		f.mu.Lock()
		f.done++
	}
	f.mu.Unlock()
	returned = true
}

// readyLocked waits until there is an item in the queue, and reports whether there is,
// or no more items come. It unlocks mu while it pulls or waits.
func (f *feed[T]) readyLocked() bool {
	for f.begun == f.pulled {
		switch {
		case f.ended:
			return false
		case f.pulling:
			f.waiting++
			f.idle.Wait()
			f.coming = false
		default:
			f.pulling = true
			f.room = min(f.limit-(f.pulled-f.done), len(f.queue))
			f.mu.Unlock()
			v, ok := f.pull()
			f.mu.Lock()
			f.pulling = false
			if ok {
				f.putLocked(v)
			}
		}
	}
	return true
}

func (f *feed[T]) putLocked(v T) {
	f.queue[f.pulled%len(f.queue)] = v
	f.pulled++
}

func (f *feed[T]) takeLocked() T {
	var none T
	v := f.queue[f.begun%len(f.queue)]
	f.queue[f.begun%len(f.queue)] = none
	f.begun++
	f.callLocked()
	return v
}

// pull pulls items, the last of which it returns, and reports whether there was one;
// the others are in the queue. It is called by the worker that pulls.
func (f *feed[T]) pull() (v T, ok bool) {
	ctx := f.n.ctx
	if ctx.Err() == nil {
		if f.next == nil {
			// Not earlier, in the body: the caller of iter.Pull may be locked to a
			// thread, and then nobody else could pull.
			f.next, f.stop = iter.Pull(f.guarded)
		}
		if v, ok = f.next(); ok {
			return v, ok
		}
	}
	if ctx.Err() != nil {
		// The sequence may have ended because of that, as FromChan does: nobody can
		// rely on having had all items.
		f.n.endWithError(f.sequence(), f.n.scope.Cause(), nil)
	}
	f.end()
	return v, false
}

// guarded is the sequence as the coroutine runs it. Its panic or Goexit is taken here;
// iter.Pull would raise the panic in the worker, without the stack.
//
// It is a range statement, and does not call the sequence with a function, because that
// panics in a sequence which goes on after it was told to stop, and would go on for
// ever.
func (f *feed[T]) guarded(yield func(T) bool) {
	returned := false
	defer func() {
		if !returned {
			f.n.endAbnormally(f.sequence(), recover(), nil)
		}
	}()
	for v := range f.seq {
		if f.room--; f.room <= 0 || f.n.ctx.Err() != nil {
			if !yield(v) {
				break
			}
			continue
		}
		f.mu.Lock()
		f.putLocked(v)
		f.callLocked() // the sequence may block before it gives the next item
		f.mu.Unlock()
	}
	returned = true
}

// end stops the sequence and sends the workers home. It is called by the worker that
// pulls.
func (f *feed[T]) end() {
	defer func() { // the sequence may call runtime.Goexit when it is stopped
		f.mu.Lock()
		f.ended, f.waiting = true, 0
		f.idle.Broadcast()
		f.mu.Unlock()
	}()
	if f.stop != nil {
		f.stop()
	}
}

// broken takes the end of a worker that did not return, on top of the stack of the
// panic if there is one.
func (f *feed[T]) broken(item int, value any) {
	switch {
	case item != noItem:
		f.n.endAbnormally(f.who(item), value, nil)
	case value != nil: // iter.Pull refused something that the sequence did
		f.n.endAbnormally(f.sequence(), value, nil)
		f.end()
	default: // a Goexit of the sequence, which guarded knows
		f.end()
	}
	f.mu.Lock()
	f.workers--
	f.callLocked() // what is left to do, at least stopping the sequence, is for another worker
	f.mu.Unlock()
}

func (f *feed[T]) sequence() who { return who{"sequence", f.seq, item} }

func (f *feed[T]) who(i int) who { return who{"item " + strconv.Itoa(i), f.fn, item} }
