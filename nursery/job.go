package nursery

import (
	"context"
	"io"
)

// A job is an item with the place of its result.
type job[T, P any] struct {
	item  T
	place P
}

// An admission bounds how many items are taken, and gives each the place of its result.
// Its methods are called by one goroutine at a time, the one that takes the items.
type admission[P any] interface {
	reserve() bool // waits until one more item may be taken, and reports whether it may; the first one always may
	add() P        // is called when an item has been taken
	end()          // is called when the items have come to their end
}

// jobs is s as jobs, which a admits.
func jobs[T, P any](s supply[T], a admission[P]) supply[job[T, P]] {
	if s.seq != nil {
		return supply[job[T, P]]{seq: func(yield func(job[T, P]) bool) {
			// The first item is always admitted.
			for item := range s.seq {
				if !yield(job[T, P]{item, a.add()}) || !a.reserve() {
					return
				}
			}
			a.end()
		}}
	}
	receive, over := s.receive, s.over
	if receive == nil {
		receive, over = eachOf(s.list)
	}
	return supply[job[T, P]]{over: over, receive: func(ctx context.Context) (j job[T, P], err error) {
		if over != nil && over() {
			a.end()
			return j, io.EOF
		}
		if !a.reserve() {
			return j, ctx.Err()
		}
		item, err := receive(ctx)
		switch {
		case err == nil:
			return job[T, P]{item, a.add()}, nil
		case isEnd(err):
			a.end()
			return j, io.EOF
		}
		return j, err
	}}
}
