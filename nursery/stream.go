package nursery

import (
	"context"
	"iter"
	"sync"
)

// A stream has the results that are on their way to a loop.
type stream[R any] struct {
	room chan struct{} // full when limit items have been pulled and not given to the loop
	wake chan struct{} // has an element when the result that the loop waits for may be there

	mu      sync.Mutex
	ring    []result[R] // guarded by mu; the results from given to before pulled, each at its index modulo the length
	given   int         // guarded by mu; how many results the loop has been given
	pulled  int         // guarded by mu; how many items have been pulled
	ended   bool        // guarded by mu; the sequence has ended
	waiting bool        // guarded by mu; the loop wants to be woken
}

// A job is an item with its index.
type job[T any] struct {
	item  T
	index int
}

// numbered is seq for the workers of a stream. It waits until there is room for the
// result before it pulls an item.
func numbered[T, R any](ctx context.Context, s *stream[R], seq iter.Seq[T]) iter.Seq[job[T]] {
	return func(yield func(job[T]) bool) {
		if !s.reserve(ctx) {
			return
		}
		index := 0
		for item := range seq {
			s.add()
			if !yield(job[T]{item, index}) || !s.reserve(ctx) {
				return
			}
			index++
		}
		s.end()
	}
}

// reserve waits until there is room for one more result, and reports whether there is
// and ctx is not done.
func (s *stream[R]) reserve(ctx context.Context) bool {
	select {
	case s.room <- struct{}{}:
		return true
	default:
	}
	select {
	case s.room <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// add adds a result that is not there yet, in the place that has been reserved.
func (s *stream[R]) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pulled-s.given == len(s.ring) {
		ring := make([]result[R], max(8, 2*len(s.ring)))
		for i := s.given; i < s.pulled; i++ {
			ring[i%len(ring)] = *s.at(i)
		}
		s.ring = ring
	}
	s.pulled++
}

// at returns the result of an item, which has been pulled and not given.
func (s *stream[R]) at(index int) *result[R] { return &s.ring[index%len(s.ring)] }

// set says what the result of an item is.
func (s *stream[R]) set(index int, value R) {
	s.mu.Lock()
	*s.at(index) = result[R]{value, true}
	s.wakeLocked(index == s.given)
	s.mu.Unlock()
}

// end says that there are no more items.
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

func (s *stream[R]) readyLocked() bool { return s.given < s.pulled && s.at(s.given).ok }

// overLocked reports whether all results have been given.
func (s *stream[R]) overLocked() bool { return s.ended && s.given == s.pulled }

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
// no more or ctx is done.
func (s *stream[R]) wait(ctx context.Context) bool {
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
		case <-ctx.Done():
			return false
		}
	}
}

// cut returns the cancellation of the nursery if results are missing.
func (s *stream[R]) cut(n *Nursery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overLocked() {
		return nil
	}
	return n.scope.Cause()
}
