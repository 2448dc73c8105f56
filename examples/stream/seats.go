package main

import (
	"context"
	"errors"
	"sync"

	"github.com/trellis-go/trellis/cancelscope"
)

// errNewerTab is the reason for the cancellation of a tab that was replaced.
var errNewerTab = errors.New("another tab of the same client has taken over")

// seats sees to it that there is one tab at a time for each client. The zero
// value is ready for use; it must not be copied.
type seats struct {
	mu    sync.Mutex
	taken map[string]*seat // by client: who came last; guarded by mu
}

// A seat is one tab's place in the line of those of its client.
type seat struct {
	work  *cancelscope.Scope
	ended chan struct{} // closed by the tab when it and all before it have ended
}

// hold runs fn in the scope work, as the only one for that client: whoever is
// there already is canceled, with errNewerTab, and fn begins when the other's
// has returned. So does the next one with this.
func (s *seats) hold(ctx context.Context, client string, work *cancelscope.Scope, fn func(context.Context) error) error {
	mine := &seat{work: work, ended: make(chan struct{})}
	before := s.take(client, mine)
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

func (s *seats) take(client string, mine *seat) (before *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.taken[client]
	if s.taken == nil {
		s.taken = make(map[string]*seat)
	}
	s.taken[client] = mine
	return before
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
