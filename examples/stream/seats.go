package main

import (
	"context"
	"errors"
	"sync"

	"github.com/trellis-go/trellis/cancelscope"
)

// errNewerTab is the reason for the cancellation of a tab that was replaced.
var errNewerTab = errors.New("another tab of the same client has taken over")

// seats ensures that only one tab at a time is at work for each client. The
// zero value is ready for use; it must not be copied.
type seats struct {
	mu       sync.Mutex
	arrivals uint64           // guarded by mu
	lines    map[string]*line // by client; guarded by mu
}

// A line is what is known of one client, as long as it has a tab.
type line struct {
	tabs   int   // that have arrived and not departed
	newest *seat // the newest of those that have asked to hold a seat; nil if none has
}

// A seat is one tab's place in the line of its client.
type seat struct {
	client  string
	arrival uint64
	work    *cancelscope.Scope // written by hold, read by the next in line
	ended   chan struct{}      // closed by hold, when this tab and all before it have ended
}

// arrive gives a tab its place in line, and depart must be called in the end.
// Which of two tabs is the newer one is decided here, when the request comes,
// and not by which is the first to hold the seat: in between is a handshake, and
// the client may have opened the next tab before the handshake of the first ends.
func (s *seats) arrive(client string) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = make(map[string]*line)
	}
	if s.lines[client] == nil {
		s.lines[client] = new(line)
	}
	s.lines[client].tabs++
	s.arrivals++
	return &seat{client: client, arrival: s.arrivals, ended: make(chan struct{})}
}

// depart forgets the client, if this was its last tab, so that a server that runs
// for months keeps only the clients that are connected.
func (s *seats) depart(mine *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[mine.client]
	l.tabs--
	if l.tabs == 0 {
		delete(s.lines, mine.client)
	}
}

// hold runs fn in the scope work, as the only one for the client. A tab that
// arrived earlier is canceled, with errNewerTab, and fn begins when the fn of that
// tab has returned. If a tab that arrived later has already held the seat, work is
// canceled instead, and fn does not run. A seat is held once.
func (s *seats) hold(ctx context.Context, mine *seat, work *cancelscope.Scope, fn func(context.Context) error) error {
	mine.work = work
	before, ok := s.next(mine)
	if !ok {
		work.Cancel(errNewerTab)
		return nil
	}
	defer close(mine.ended)
	if before != nil {
		before.work.Cancel(errNewerTab)
		// This wait continues when ctx is done, and when a third tab cancels this
		// one meanwhile: the third tab waits for this one only, and relies on
		// its having waited for the first. The wait is short: the first tab has
		// been canceled, and its last transmission has a time limit.
		<-before.ended
	}
	return work.Run(ctx, fn)
}

// next makes mine the newest seat, unless there is a newer one, and returns the
// one before it, which may have ended.
func (s *seats) next(mine *seat) (before *seat, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[mine.client]
	before = l.newest
	if before != nil && before.arrival > mine.arrival {
		return nil, false
	}
	l.newest = mine
	return before, true
}
