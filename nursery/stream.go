package nursery

import (
	"sync"
	"sync/atomic"
)

// A stream has the results that are on their way to a loop. It is the admission of the
// items that they belong to.
//
// What the admission does must not order an item behind those that have ended, except as
// documented, or the race detector would not see races between them (see apart.go). So
// the admission never takes mu, and admits the first limit items without a look at the
// results.
type stream[R any] struct {
	ordered bool            // read-only; the results come in the order of the items
	limit   int             // read-only
	done    <-chan struct{} // of the nursery in which the items run; written before they run, read-only after

	taken int          // how many items have been taken; of the goroutine that takes them
	count atomic.Int64 // how many items there are, -1 until the items have come to their end

	room chan struct{} // has an element for each result that the loop has been given and that has not admitted another item
	wake chan struct{} // has an element when the result that the loop waits for, or the end, may be there

	mu      sync.Mutex
	ring    []result[R] // guarded by mu; the results from given on, each at its index modulo the length
	given   int         // guarded by mu; how many results the loop has been given
	there   int         // guarded by mu; how many results have come
	waiting bool        // guarded by mu; the loop wants to be woken
}

func newStream[R any](limit int, ordered bool) *stream[R] {
	s := &stream[R]{
		ordered: ordered,
		limit:   limit,
		room:    make(chan struct{}, limit),
		wake:    make(chan struct{}, 1),
	}
	s.count.Store(-1)
	return s
}

// reserve waits until there is room for one more result, and reports whether there is
// and the nursery has not been canceled.
func (s *stream[R]) reserve() bool {
	if s.taken < s.limit {
		return true
	}
	select {
	case <-s.room:
		return true
	default:
	}
	select {
	case <-s.room:
		return true
	case <-s.done:
		return false
	}
}

// add returns the index of an item that has been taken.
func (s *stream[R]) add() int {
	s.taken++
	return s.taken - 1
}

// end records that there are no more items.
func (s *stream[R]) end() {
	s.count.Store(int64(s.taken))
	hideOrder()
	s.wakeUp()
	showOrder()
}

// set sets the result of the item with that index.
func (s *stream[R]) set(index int, value R) {
	s.mu.Lock()
	if !s.ordered {
		index = s.there
	}
	s.there++
	if index-s.given >= len(s.ring) {
		s.growLocked(index)
	}
	*s.at(index) = result[R]{value, true}
	if s.waiting && index == s.given {
		s.waiting = false
		s.wakeUp()
	}
	s.mu.Unlock()
}

// growLocked makes room for the result with that index.
func (s *stream[R]) growLocked(index int) {
	ring := make([]result[R], max(8, 2*len(s.ring), index-s.given+1))
	for i := range s.ring {
		ring[(s.given+i)%len(ring)] = *s.at(s.given + i)
	}
	s.ring = ring
}

// at returns the place of the result with that index, which has not been given. There is
// room for it.
func (s *stream[R]) at(index int) *result[R] { return &s.ring[index%len(s.ring)] }

// wakeUp wakes the loop if it waits. If it has been woken already, it will see what has
// happened since.
func (s *stream[R]) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// ready reports whether the next result is there.
func (s *stream[R]) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyLocked()
}

func (s *stream[R]) readyLocked() bool { return len(s.ring) > 0 && s.at(s.given).ok }

// overLocked reports whether all results have been given.
func (s *stream[R]) overLocked() bool { return int64(s.given) == s.count.Load() }

// next takes the next result, which is there.
func (s *stream[R]) next() R {
	s.mu.Lock()
	r := s.at(s.given)
	value := r.value
	*r = result[R]{}
	s.given++
	s.mu.Unlock()
	s.room <- struct{}{} // does not block: there are at most limit items whose results have not been given
	return value
}

// wait waits for the next result, and reports whether it is there. If not, there are
// no more or the nursery has been canceled.
func (s *stream[R]) wait() bool {
	for {
		s.mu.Lock()
		ready := s.readyLocked()
		over := s.overLocked()
		s.waiting = !ready && !over
		s.mu.Unlock()
		switch {
		case ready:
			return true
		case over:
			return false
		}
		select {
		case <-s.wake:
		case <-s.done:
			return false
		}
	}
}
