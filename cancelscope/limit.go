package cancelscope

import (
	"context"
	"time"
)

// A limit is the deadline of a scope of its own, with the timer for it. Scopes without
// one, which most are, have no limit, and are smaller by a quarter for it. It is guarded
// by the lock of its scope. A nil limit is none.
type limit struct {
	relative bool          // timeout counts, deadline is not known yet
	first    bool          // at is earlier than every deadline around: this scope keeps the timer
	timeout  time.Duration // before Run
	deadline time.Time     // zero: none
	at       int64         // deadline on our clock; never: none, or not known yet
	timerAt  int64         // when timer fires; never: it does not
	timer    *time.Timer
}

// begin fixes the deadline at the moment of entry.
func (l *limit) begin() {
	if l.relative {
		l.deadline, l.relative = time.Now().Add(l.timeout), false
	}
	l.at = instant(l.deadline)
}

// time returns the deadline, zero if there is none or if it is not known yet.
func (l *limit) time() time.Time {
	if l == nil {
		return time.Time{}
	}
	return l.deadline
}

// instant returns the deadline on our clock, never if there is none.
func (l *limit) instant() int64 {
	if l == nil {
		return never
	}
	return l.at
}

// SetTimeout sets the deadline of the scope: before Run to d after the moment of
// entry, during Run to d from now. A negative d is taken as zero: the scope is
// canceled at once, or on entry, and the block runs to its first wait.
//
// Setting a running scope's deadline to a later time than it has panics unless
// the scope is [Scope.Adjustable]. After Run it does nothing, and it never undoes
// a cancellation.
func (s *Scope) SetTimeout(d time.Duration) {
	d = max(d, 0)
	if s.plan(limit{timeout: d, relative: true}) {
		return
	}
	t := time.Now()
	s.moveDeadline(t.Add(d), since(t))
}

// SetDeadline sets the deadline of the scope to t; the zero time means none. A
// time that is past cancels the scope at once, or on entry.
//
// Setting a running scope's deadline to a later time than it has, or to none,
// panics unless the scope is [Scope.Adjustable]. After Run it does nothing, and it
// never undoes a cancellation.
func (s *Scope) SetDeadline(t time.Time) {
	if !s.plan(limit{deadline: t}) {
		s.moveDeadline(t, now())
	}
}

// plan sets the deadline of a scope that has not been entered, and reports whether it
// has not.
func (s *Scope) plan(l limit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != fresh {
		return false
	}
	planned := l // not l itself, which would be moved to the heap in every call
	planned.at, planned.timerAt = never, never
	s.limit = &planned
	return true
}

// moveDeadline sets the deadline of a scope that has been entered. The clock has been
// read by the caller.
func (s *Scope) moveDeadline(t time.Time, clock int64) {
	s.lookAt(clock) // what has happened before comes first
	at := instant(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.limit.instant()
	switch {
	case s.phase == left || s.limit == nil && t.IsZero():
		return
	case at > own && !s.Adjustable:
		panic("cancelscope: deadline of a running scope moved to a later time: set Adjustable before Run, or bring deadlines forward only")
	}
	if own <= clock {
		// It has passed, noticed or not: what is past cannot be moved away.
		s.expireOwnLocked()
	}
	if s.limit == nil {
		s.limit = &limit{timerAt: never}
	}
	s.limit.deadline, s.limit.at = t, at
	s.inheritLocked(s.aroundLocked())
	if at <= clock {
		s.expireOwnLocked()
	}
}

// Deadline returns the scope's own deadline; ok is false if it has none, or if it
// counts from an entry that has not taken place yet. Deadlines of scopes around
// this one do not count; deadline.Effective considers them.
func (s *Scope) Deadline() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = s.limit.time()
	return t, !t.IsZero()
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
		if at := n.limit.instant(); n.phase == running && at <= earliest {
			due, earliest = n, at
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
		if instant(s.limit.time()) <= t {
			s.expireOwnLocked()
		}
	case running:
		if s.limit.instant() <= t {
			s.expireOwnLocked()
		}
	}
}

func (s *Scope) expireOwnLocked() {
	s.called.Store(true)
	if s.cause.Load() == nil {
		reason, _ := reduce(s.Reason) // final when the scope is left: see Canceled.settle
		s.setCauseLocked(&Canceled{kind: ByDeadline, err: context.DeadlineExceeded, reason: reason, scope: s.Name, deadline: s.limit.time()})
	}
}

// armLocked sees to it that the timer fires no later than the deadline, if
// anybody would notice. A timer that would fire too early is left: it arms itself
// again. So a deadline that moves later and later costs no timer operation.
func (s *Scope) armLocked() {
	l := s.limit
	if !s.watched || l == nil || !l.first || s.phase != running || l.at >= l.timerAt || s.cause.Load() != nil {
		return
	}
	wait := time.Duration(l.at - now())
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, s.tick)
		timers(1)
	} else {
		l.timer.Reset(wait)
	}
	l.timerAt = l.at
}

// tick runs when the timer fires.
func (s *Scope) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit.timerAt = never
	if s.phase != running {
		return
	}
	if s.limit.at <= now() {
		s.expireOwnLocked()
		return
	}
	s.armLocked()
}

func (s *Scope) stopTimerLocked() {
	if l := s.limit; l != nil && l.timer != nil {
		l.timer.Stop()
		l.timer, l.timerAt = nil, never
		timers(-1)
	}
}

// timers is told of every timer that comes and goes; tests count them.
var timers = func(delta int) {}
