package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/trellis-go/trellis/cancelscope"
)

// errNewerTab is the reason for the cancellation of a tab that was replaced.
var errNewerTab = errors.New("another tab of the same client has taken over")

// seats sees to it that there is one tab at a time for each client. The zero
// value is ready for use; it must not be copied.
type seats struct {
	arrivals atomic.Uint64

	mu    sync.Mutex
	taken map[string]*seat // by client: the newest; guarded by mu
}

// A seat is one tab's place in the line of those of its client.
type seat struct {
	arrival uint64
	work    *cancelscope.Scope
	ended   chan struct{} // closed by the tab when it and all before it have ended
}

// arrive returns what tells a tab from those that come later. Who is the newest
// must not depend on who is the first to hold a seat: between the request and
// that there is a handshake, and the client may have opened the next tab by
// then.
func (s *seats) arrive() uint64 { return s.arrivals.Add(1) }

// hold runs fn in the scope work, as the only one for that client. Whoever
// arrived earlier and is there already is canceled, with errNewerTab, and fn
// begins when the other's has returned. If somebody is there who arrived
// later, work is canceled so itself, and fn does not run.
func (s *seats) hold(ctx context.Context, client string, arrival uint64, work *cancelscope.Scope, fn func(context.Context) error) error {
	mine := &seat{arrival: arrival, work: work, ended: make(chan struct{})}
	before, ok := s.take(client, mine)
	if !ok {
		work.Cancel(errNewerTab)
		return nil
	}
	defer s.leave(client, mine)
	if before != nil {
		before.work.Cancel(errNewerTab)
		// Not given up when ctx is done, nor when a third tab cancels this
		// one meanwhile: the third waits for this one only, and relies on its
		// having waited for the first. It is not for long: the first has been
		// canceled, and what it may still be sending has a time limit.
		<-before.ended
	}
	return work.Run(ctx, fn)
}

// take puts mine in the place of the seat that is taken, if that is older.
func (s *seats) take(client string, mine *seat) (before *seat, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.taken[client]
	if before != nil && before.arrival > mine.arrival {
		return nil, false
	}
	if s.taken == nil {
		s.taken = make(map[string]*seat)
	}
	s.taken[client] = mine
	return before, true
}

// leave forgets the client, unless the next tab has come: a server that runs
// for months remembers those who are there, and nobody else.
func (s *seats) leave(client string, mine *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[client] == mine {
		delete(s.taken, client)
	}
	close(mine.ended)
}
