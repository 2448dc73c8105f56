package cancelscope

import (
	"context"
	"time"
)

// SetTimeout sets the deadline of the scope: before Run to d after the moment of
// entry, during Run to d from now. A negative d is taken as zero: the scope is
// cancelled at once, or on entry, and the block runs to its first wait.
//
// Setting a running scope's deadline to a later time than it has panics unless
// the scope is [Scope.Extendable]. After Run it does nothing, and it never undoes
// a cancellation.
func (s *Scope) SetTimeout(d time.Duration) {
	d = max(d, 0)
	s.look() // what has happened before comes first
	s.mu.Lock()
	if s.phase == fresh {
		s.timeout, s.relative, s.deadline = d, true, time.Time{}
		s.mu.Unlock()
		return
	}
	s.moveDeadline(time.Now().Add(d))
}

// SetDeadline sets the deadline of the scope to t; the zero time means none. A
// time that is past cancels the scope at once, or on entry.
//
// Setting a running scope's deadline to a later time than it has, or to none,
// panics unless the scope is [Scope.Extendable]. After Run it does nothing, and it
// never undoes a cancellation.
func (s *Scope) SetDeadline(t time.Time) {
	s.look() // what has happened before comes first
	s.mu.Lock()
	if s.phase == fresh {
		s.timeout, s.relative, s.deadline = 0, false, t
		s.mu.Unlock()
		return
	}
	s.moveDeadline(t)
}

// moveDeadline sets the deadline of a scope that has been entered. It is called
// with mu held and releases it.
func (s *Scope) moveDeadline(t time.Time) {
	at := instant(t)
	switch {
	case s.phase == left:
		s.mu.Unlock()
		return
	case at > s.own && !s.Extendable:
		s.mu.Unlock()
		panic("cancelscope: deadline of a running scope moved to a later time: set Extendable before Run, or bring deadlines forward only")
	}
	if s.own <= now() {
		// It has passed, noticed or not: what is past cannot be moved away.
		s.expireOwnLocked()
	}
	s.deadline, s.own = t, at
	s.inheritLocked(s.aroundLocked())
	if at <= now() {
		s.expireOwnLocked()
	}
	s.mu.Unlock()
}

// Deadline returns the scope's own deadline; ok is false if it has none, or if it
// counts from an entry that has not taken place yet. Deadlines of scopes around
// this one do not count; deadline.Effective considers them.
func (s *Scope) Deadline() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deadline, !s.deadline.IsZero()
}

// expire cancels the scope whose passed deadline is the reason that s has been
// due: of the scopes that s can see around it the one with the earliest deadline,
// and the outermost of those with the same, as nested timeouts in Trio and
// asyncio do.
func (s *Scope) expire(t int64) {
	var due *Scope
	earliest := t
	for n := s; n != nil; {
		n.mu.Lock()
		if n.phase == running && n.own <= earliest {
			due, earliest = n, n.own
		}
		up := n.visibleLocked()
		n.mu.Unlock()
		n = up
	}
	if due != nil {
		due.expireOwn(t)
	}
}

// expireOwn cancels s if its own deadline has passed at t.
func (s *Scope) expireOwn(t int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case fresh:
		if !s.relative && instant(s.deadline) <= t {
			s.expireOwnLocked()
		}
	case running:
		if s.own <= t {
			s.expireOwnLocked()
		}
	}
}

func (s *Scope) expireOwnLocked() {
	s.called = true
	if s.cause.Load() == nil {
		s.setCauseLocked(&Cancelled{kind: ByDeadline, err: context.DeadlineExceeded, origin: s, deadline: s.deadline})
	}
}

// armLocked sees to it that the timer fires no later than the deadline, if
// anybody would notice. A timer that would fire too early is left: it arms itself
// again. So a deadline that moves later and later costs no timer operation.
func (s *Scope) armLocked() {
	if !s.watched || !s.first || s.phase != running || s.own >= s.timerAt || s.cause.Load() != nil {
		return
	}
	wait := time.Duration(s.own - now())
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.tick)
		timers(1)
	} else {
		s.timer.Reset(wait)
	}
	s.timerAt = s.own
}

// tick runs when the timer fires.
func (s *Scope) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timerAt = never
	if s.phase != running {
		return
	}
	if s.own <= now() {
		s.expireOwnLocked()
		return
	}
	s.armLocked()
}

func (s *Scope) stopTimerLocked() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer, s.timerAt = nil, never
		timers(-1)
	}
}

// timers is told of every timer that comes and goes; tests count them.
var timers = func(delta int) {}
