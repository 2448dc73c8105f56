package nursery

import (
	"context"
	"sync"
)

// A stream has the results that are on their way to a loop. It is the admission of the
// items that they belong to.
type stream[R any] struct {
	ordered bool            // read-only; the results come in the order of the items
	ctx     context.Context // of the nursery in which the items run; written before they run, read-only after
	room    chan struct{}   // full when limit items have been taken whose results the loop has not been given
	wake    chan struct{}   // has an element when the result that the loop waits for may be there

	mu      sync.Mutex
	ring    []result[R] // guarded by mu; the results from given to before taken, each at its index modulo the length
	given   int         // guarded by mu; how many results the loop has been given
	taken   int         // guarded by mu; how many items have been taken
	there   int         // guarded by mu; how many results have come, if not ordered: the index of the next one
	ended   bool        // guarded by mu; the items have come to their end
	waiting bool        // guarded by mu; the loop wants to be woken
}

// reserve waits until there is room for one more result, and reports whether there is
// and the nursery has not been canceled.
func (s *stream[R]) reserve() bool {
	select {
	case s.room <- struct{}{}:
		return true
	default:
	}
	select {
	case s.room <- struct{}{}:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// add adds a result that is not there yet, in the place that has been reserved, and
// returns the index of its item.
func (s *stream[R]) add() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken-s.given == len(s.ring) {
		ring := make([]result[R], max(8, 2*len(s.ring)))
		for i := s.given; i < s.taken; i++ {
			ring[i%len(ring)] = *s.at(i)
		}
		s.ring = ring
	}
	s.taken++
	return s.taken - 1
}

// at returns the result with that index, which belongs to an item that has been taken, and
// has not been given.
func (s *stream[R]) at(index int) *result[R] { return &s.ring[index%len(s.ring)] }

// set sets the result of the item with that index.
func (s *stream[R]) set(index int, value R) {
	s.mu.Lock()
	if !s.ordered {
		index = s.there
		s.there++
	}
	*s.at(index) = result[R]{value, true}
	s.wakeLocked(index == s.given)
	s.mu.Unlock()
}

// end records that there are no more items.
func (s *stream[R]) end() {
	s.mu.Lock()
	s.ended = true
	s.wakeLocked(true)
	s.mu.Unlock()
}

// wakeLocked wakes the loop if it waits and has reason to go on.
func (s *stream[R]) wakeLocked(reason bool) {
	if s.waiting && reason {
		s.waiting = false
		s.wake <- struct{}{}
	}
}

// ready reports whether the next result is there.
func (s *stream[R]) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyLocked()
}

func (s *stream[R]) readyLocked() bool { return s.given < s.taken && s.at(s.given).ok }

// overLocked reports whether all results have been given.
func (s *stream[R]) overLocked() bool { return s.ended && s.given == s.taken }

// next takes the next result, which is there.
func (s *stream[R]) next() R {
	s.mu.Lock()
	r := s.at(s.given)
	value := r.value
	*r = result[R]{}
	s.given++
	s.mu.Unlock()
	<-s.room
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
		case <-s.ctx.Done():
			return false
		}
	}
}

// cut returns the error of the nursery's context if results are missing.
func (s *stream[R]) cut() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overLocked() {
		return nil
	}
	return s.ctx.Err()
}
