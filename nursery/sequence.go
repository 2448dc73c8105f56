package nursery

import "iter"

// A sequence is the source of a feed whose items are given by a function with a yield
// function.
//
// It runs in a coroutine, by means of iter.Pull, so that every worker can continue it.
// Tried and rejected: to range over it in the goroutine of the body and hand the items
// over. For tiny items and a limit of 2 that costs four times as much, because for every
// limit items two goroutines have to be woken.
//
// Switching to a coroutine is cheap, but not beside an item that does nothing. So the
// coroutine, once it runs, gives as many items as may be under way, up to the length of
// the queue: the last one to the worker that pulls, the others to the queue.
//
// The worker that pulls has a sequence for itself, and the coroutine while that worker
// waits for it.
type sequence[T any] struct {
	f    *feed[T]
	seq  iter.Seq[T]
	next func() (T, bool) // nil before the first pull
	done func()
	room int // how many items may still be given before next returns
}

func (s *sequence[T]) label() label { return label{"sequence", s.seq, item} }

// pull returns an item when others may be in the queue.
func (s *sequence[T]) pull() (T, bool) {
	if s.next == nil {
		// Not earlier, in the body: the caller of iter.Pull may be locked to a
		// thread, and then no other goroutine could pull.
		s.next, s.done = iter.Pull(s.run)
	}
	s.room = s.f.room
	return s.next()
}

// over reports false: what a sequence does next cannot be known.
func (s *sequence[T]) over() bool { return false }

// stop makes the yield function return false, and returns when the sequence has.
func (s *sequence[T]) stop() {
	if s.done != nil {
		s.done()
	}
}

// run is the sequence as the coroutine runs it. Its panic is taken here: iter.Pull would
// raise it in the worker, without the stack. Its Goexit continues in the worker.
//
// It is a range statement, and does not call the sequence with a function, because that
// panics in a sequence that continues after it was stopped, and would not end.
func (s *sequence[T]) run(yield func(T) bool) {
	defer func() {
		if value := recover(); value != nil {
			s.f.n.endAbnormally(s.label(), value, nil)
		}
	}()
	for v := range s.seq {
		if s.room--; s.room <= 0 || s.f.n.ctx.Err() != nil {
			if !yield(v) {
				break
			}
			continue
		}
		s.f.put(v) // the sequence may block before it gives the next item
	}
}
