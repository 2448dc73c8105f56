package memchan

import (
	"context"
	"sync"
	"sync/atomic"
)

// A waiter is a call of Send or Receive that blocks. While it is in a queue, the channel's
// mu guards it. The goroutine that takes it out of the queue sets value and err, which are
// what the call ends with, and wakes the call; from then on the waiter belongs to its call
// again.
type waiter[T any] struct {
	value T                   // to be sent, or received
	err   error               // nil if the value was handed over
	done  <-chan struct{}     // of the context of the call
	by    *registration[T]    // watches done for the call; nil if the call watches it itself
	at    *handle[T]          // the handle that was used; nil outside of queues
	queue *queue[T]           // the queue that it is in, or nil
	links [listKinds]links[T] // its neighbors in the lists that it is in

	// A call that has to watch done selects on ready. A call for which ready is nil is
	// parked.
	//
	// Each wait makes a new ready. We do not use one again, although that would save an
	// allocation: a Go channel belongs to the synctest bubble in which it was made, and
	// its use in another bubble ends the program. So a value that outlives a bubble, such
	// as a memory channel in a global variable, must not keep one. A sync.Cond belongs
	// to no bubble.
	ready  chan struct{}
	parked sync.Cond
	served atomic.Bool // orders what was done to the waiter before its return from parked
}

// A waker wakes a waiter that has been taken out of its queue. The zero value wakes no
// waiter. It is separate from the waiter, because a call that is not parked may continue
// on its own, and its waiter may be in use for another call already.
type waker struct {
	ready  chan<- struct{}
	parked *sync.Cond
}

// wake does not block. It may be called with or without mu. Without is better: the call
// that wakes up may need mu next.
func (w waker) wake() {
	switch {
	case w.ready != nil:
		close(w.ready)
	case w.parked != nil:
		w.parked.Signal()
	}
}

// serveLocked takes w out of its queue and sets the error that its call ends with. If err
// is nil, the caller has taken or set the value. After that w must not be used, except
// through the waker.
func (w *waiter[T]) serveLocked(err error) waker {
	w.queue.list.remove(inQueue, w)
	w.queue.n--
	w.at.calls.remove(inHandle, w)
	if w.by != nil {
		w.by.calls.remove(inRegistration, w)
	}
	w.queue, w.at, w.err = nil, nil, err
	if w.ready != nil {
		return waker{ready: w.ready}
	}
	w.served.Store(true)
	return waker{parked: &w.parked}
}

// A queue has the waiters of one side in the order of their arrival. The channel's mu
// guards it. We tried a ring of pointers instead of links: with 1,000 calls that wait, or
// 10,000 that are canceled, it was not faster.
type queue[T any] struct {
	list list[T]
	n    int
}

// addLocked appends w, whose call uses the handle at.
func (q *queue[T]) addLocked(w *waiter[T], at *handle[T]) {
	w.queue, w.at = q, at
	q.list.add(inQueue, w)
	q.n++
	at.calls.add(inHandle, w)
	if w.by != nil {
		w.by.calls.add(inRegistration, w)
	}
}

// frontLocked returns the first waiter whose context is not done, or nil.
//
// It ends the calls in front of that waiter. Their contexts are done, but they have not
// run since: a value that is handed to such a call would go to a task that is about to end.
func (q *queue[T]) frontLocked() *waiter[T] {
	for w := q.list.first; w != nil; w = q.list.first {
		select {
		case <-w.done:
			w.serveLocked(context.Canceled).wake()
		default:
			return w
		}
	}
	return nil
}

// A waiter can be in a list of each of these kinds at the same time.
const (
	inQueue        = iota // the waiters of one side
	inHandle              // those that use one handle, so that Close finds them
	inRegistration        // those that one registration watches, so that their end finds them
	listKinds
)

// links are a waiter's neighbors in a list, or nil at the ends of the list.
type links[T any] struct{ next, prev *waiter[T] }

// A list has waiters in the order of their arrival. Every operation takes the same time,
// however many there are. The channel's mu guards it. The zero value is empty.
type list[T any] struct{ first, last *waiter[T] }

func (l *list[T]) add(kind int, w *waiter[T]) {
	w.links[kind].prev = l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.links[kind].next = w
	}
	l.last = w
}

func (l *list[T]) remove(kind int, w *waiter[T]) {
	next, prev := w.links[kind].next, w.links[kind].prev
	if prev == nil {
		l.first = next
	} else {
		prev.links[kind].next = next
	}
	if next == nil {
		l.last = prev
	} else {
		next.links[kind].prev = prev
	}
	w.links[kind] = links[T]{}
}

// failLocked ends the calls of all waiters in the list with err.
func (l *list[T]) failLocked(err error) {
	for w := l.first; w != nil; w = l.first {
		w.serveLocked(err).wake()
	}
}
