package memchan

import (
	"context"
	"sync"
	"sync/atomic"
)

// A waiter is a call of Send or Receive that blocks. While it is in a queue, it is
// guarded by the channel's mu. Whoever takes it out says in value and err how the call
// ends and wakes it; the waiter belongs to its call again then.
type waiter[T any] struct {
	value      T               // to be sent, or received
	err        error           // nil: the value was handed over
	done       <-chan struct{} // that of the context of the call
	crowd      *crowd[T]       // what watches done for the waiter; nil if it does so itself
	at         *handle[T]      // the handle that was used; nil outside of queues
	next, prev *waiter[T]

	// The waiter selects on ready, if it has to watch done, and is parked if ready is
	// nil.
	//
	// Each wait makes a new ready. To reuse them would save the allocation, but a
	// channel belongs to the synctest bubble that it was made in, and using it in
	// another one ends the program: whatever outlives a bubble, as a memory channel in
	// a global variable does, must not keep any. A sync.Cond belongs to no bubble.
	ready  chan struct{}
	parked sync.Cond
	served atomic.Bool // orders what was done to the waiter before its return from parked
}

// A waker wakes a waiter that has been taken out of its queue. The zero value wakes
// nobody. It is apart from the waiter, because one that is not parked may be on its way
// already, and in use for another call.
type waker struct {
	ready  chan<- struct{}
	parked *sync.Cond
}

// wake does not block. It need not be called with mu held, and better is not: the one
// who wakes up may want mu next.
func (w waker) wake() {
	switch {
	case w.ready != nil:
		close(w.ready)
	case w.parked != nil:
		w.parked.Signal()
	}
}

// A queue has the waiters of one side in the order of their arrival. The channel's mu
// guards it. A ring of pointers in the place of the links was tried: with 1,000 who
// wait, or 10,000 who are canceled, it was not faster.
type queue[T any] struct {
	first, last *waiter[T]
	n           int
}

func (q *queue[T]) addLocked(w *waiter[T], at *handle[T]) {
	w.at, w.prev = at, q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.n++
}

func (q *queue[T]) removeLocked(w *waiter[T]) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	q.n--
	w.at, w.next, w.prev = nil, nil, nil
}

// serveLocked takes w out of the queue, with the error that its call ends with. If that
// is nil, the caller has seen to the value: w is not to be touched any more, except by
// way of the waker.
func (q *queue[T]) serveLocked(w *waiter[T], err error) waker {
	q.removeLocked(w)
	w.err = err
	if w.ready != nil {
		return waker{ready: w.ready}
	}
	w.served.Store(true)
	return waker{parked: &w.parked}
}

// frontLocked returns the first waiter that has not been canceled, or nil.
//
// Those who have been canceled, but did not find the time yet to leave, are made to:
// a value that is given to them would be received by a task that is about to end.
func (q *queue[T]) frontLocked() *waiter[T] {
	for w := q.first; w != nil; w = q.first {
		select {
		case <-w.done:
			q.serveLocked(w, context.Canceled).wake()
		default:
			return w
		}
	}
	return nil
}

// failLocked ends the calls that wait in the handle at, or in any if at is nil.
func (q *queue[T]) failLocked(at *handle[T], err error) {
	left := q.n
	if at != nil {
		left = int(at.waiting.Load()) // no less than there are
	}
	for w := q.first; w != nil && left > 0; {
		next := w.next
		if at == nil || w.at == at {
			q.serveLocked(w, err).wake()
			left--
		}
		w = next
	}
}
