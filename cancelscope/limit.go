package cancelscope

import (
	"context"
	"time"
)

// A limit is the deadline of a scope of its own, with the timer for it. Scopes without
// one, which most are, have no limit, and are smaller for it. All of it is guarded by
// the lock of the scope, except as said. A nil limit is none. The deadline as an
// instant is Scope.at.
type limit struct {
	relative bool          // timeout counts, deadline is not known yet
	near     bool          // the timer has found the deadline close: nothing inside is calm
	timed    bool          // the standard library has a timer that closes the bridge at the deadline
	timeout  time.Duration // before Run
	deadline time.Time     // zero: none
	expired  *Canceled     // the cause when the deadline has passed, once it is made

	timer    *time.Timer
	timerAt  instant // when timer fires; never: it does not
	armedFor instant // the deadline that it was armed for

	// Written before the bridge is published, read-only after. See undated.
	above context.Context
	stop  context.CancelFunc // ends the library's timer context; nil if there is none
}

// begin fixes the deadline at the moment of entry, and returns it on our clock.
func (l *limit) begin() instant {
	if l.relative {
		l.deadline, l.relative = time.Now().Add(l.timeout), false
	}
	return instantOf(l.deadline)
}

// time returns the deadline, zero if there is none or if it is not known yet.
func (l *limit) time() time.Time {
	if l == nil {
		return time.Time{}
	}
	return l.deadline
}

// SetTimeout sets the deadline of the scope: before Run to d after the moment of
// entry, during Run to d from now. A negative d is taken as zero: the scope is
// canceled at once, or on entry, and the block runs to its first wait.
//
// Setting a running scope's deadline to a later time than it has panics unless
// the scope is [Scope.Adjustable]. After Run it does nothing, and it never undoes
// a cancellation: a deadline that has ended the scope stays the same.
//
// A deadline that was set before Run ends the scope with context.DeadlineExceeded. So
// does every deadline of a scope that is Adjustable. A deadline that was set or moved
// while the scope ran ends a scope that is not Adjustable with context.Canceled; the
// cause is then a [*Canceled] of kind [ByDeadline], for which errors.Is(err,
// context.DeadlineExceeded) is true. (The standard library has no way to end a running
// context with context.DeadlineExceeded at a time that was not known when it was made.)
func (s *Scope) SetTimeout(d time.Duration) {
	d = max(d, 0)
	if s.plan(limit{timeout: d, relative: true}) {
		return
	}
	t := time.Now()
	s.moveDeadline(t.Add(d), instant(t.Sub(base)))
}

// SetDeadline sets the deadline of the scope to t; the zero time means none. A
// time that is past cancels the scope at once, or on entry.
//
// It is like [Scope.SetTimeout] otherwise. If t has no monotonic clock reading, the wall
// clock decides whether t is later than the present deadline. So a t that is the same
// wall-clock time is not later, even if the wall clock has been set meanwhile.
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
	s.limit = &planned
	return true
}

// moveDeadline sets the deadline of a scope that has been entered. The clock has been
// read by the caller.
func (s *Scope) moveDeadline(t time.Time, clock instant) {
	s.pollAt(clock) // what has happened before comes first
	if s.deadline().passed(clock) {
		s.expire(clock) // it was calm, and its timers are late
	}
	at := instantOf(t)
	s.mu.Lock()
	ok := s.moveDeadlineLocked(t, at, clock)
	canceled := s.cause.Load() != nil
	s.mu.Unlock()
	if !ok {
		panic("cancelscope: deadline of a running scope moved to a later time: set Adjustable before Run, or bring deadlines forward only")
	}
	if canceled {
		s.unsubscribe()
	}
}

// moveDeadlineLocked does nothing and reports false if that is not allowed.
func (s *Scope) moveDeadlineLocked(t time.Time, at, clock instant) bool {
	own := s.deadline()
	switch {
	case s.phase == left || s.limit == nil && t.IsZero():
		return true
	case !s.Adjustable && own != never && (t.Equal(s.limit.deadline) || t.Before(s.limit.deadline) && !t.IsZero() && !at.before(own)):
		return true // no later, whatever the other clock says
	case own.before(at) && !s.Adjustable:
		return false
	}
	if own.passed(clock) {
		// It has passed, noticed or not: what is past cannot be moved away.
		s.expireOwnLocked()
	}
	if c := s.cause.Load(); c != nil && s.own && c.kind == ByDeadline {
		return true // the deadline is the one that has passed
	}
	if s.limit == nil {
		s.limit = new(limit)
	}
	l := s.limit
	l.deadline, l.expired = t, nil
	s.setLocked(late, !s.Adjustable)
	s.at.Store(int64(at))
	switch {
	case at.passed(clock):
		s.expireOwnLocked()
	case l.near || at != never && at-clock < margin:
		l.near = false
		s.endCalmLocked()
	}
	if s.has(bridged) || s.children != nil {
		s.armLocked(clock)
	}
	return true
}

// deadline returns the scope's own deadline, never if there is none.
func (s *Scope) deadline() instant { return instant(s.at.Load()) }

// Deadline returns the scope's own deadline; ok is false if it has none, or if it
// counts from an entry that has not taken place yet. Deadlines of scopes around
// this one do not count; deadline.Effective considers them.
func (s *Scope) Deadline() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = s.limit.time()
	return t, !t.IsZero()
}

// expireOwn cancels s if its own deadline has passed at t.
func (s *Scope) expireOwn(t instant) {
	s.mu.Lock()
	at := s.deadline()
	if s.phase == fresh {
		at = instantOf(s.limit.time())
	}
	expired := s.phase != left && at.passed(t)
	if expired {
		s.expireOwnLocked()
	}
	s.mu.Unlock()
	if expired {
		s.unsubscribe()
	}
}

func (s *Scope) expireOwnLocked() {
	s.flags.Or(called)
	if s.cause.Load() == nil {
		c := s.expiredLocked()
		s.setCauseLocked(c)
		s.own = s.cause.Load() == c
	}
}

// expiredLocked returns the cause of s when its deadline has passed.
func (s *Scope) expiredLocked() *Canceled {
	l := s.limit
	if l.expired == nil {
		reason, _ := reduce(s.Reason) // final when the scope is left: see Canceled.settle
		l.expired = &Canceled{kind: ByDeadline, err: context.DeadlineExceeded, reason: reason, scope: s.Name, deadline: l.deadline}
		if s.has(late) {
			l.expired.err = context.Canceled
		}
	}
	return l.expired
}

// Timers are early, so that Err does not read the clock as long as a deadline is far
// away: see calm.go. margin is how far away it must be at least.
const margin = instant(40 * time.Millisecond)

// early returns when the timer for a deadline at has to fire first: before an eighth
// of the time that is left has gone, or half the margin if that is more.
func early(at, t instant) instant { return at - max((at-t)/8, margin/2) }

// armLocked arms the timer of s, if it needs one: to fire early, or where there is no
// time for that, at the deadline. A timer that would fire too early is left: it arms
// itself again. So a deadline that moves later and later costs no timer operation, and
// one that moves forward a little costs none either.
func (s *Scope) armLocked(t instant) {
	l, at := s.limit, s.deadline()
	if l == nil || at == never || s.phase != running || s.cause.Load() != nil {
		return
	}
	when, latest := early(at, t), at-margin/2
	if at-t < margin || l.near {
		when, latest = at, at
		if l.timed && !s.has(late) {
			return // the standard library has a timer for that
		}
	}
	if l.timerAt != never && l.timerAt <= latest {
		return
	}
	if wait := time.Duration(when - t); l.timer == nil {
		l.timer = time.AfterFunc(wait, s.tick)
		timers(1)
	} else {
		l.timer.Reset(wait)
	}
	l.timerAt, l.armedFor = when, at
}

// tick runs when the timer fires.
func (s *Scope) tick() {
	s.mu.Lock()
	l, at, t := s.limit, s.deadline(), now()
	l.timerAt = never
	passed := false
	switch {
	case s.phase != running || s.cause.Load() != nil || at == never:
	case at.passed(t):
		passed = true
	default:
		if !l.armedFor.before(at) || at-t < margin { // it has not been moved to a later time since, or not far enough
			l.near = true
			s.endCalmLocked()
		}
		s.armLocked(t)
	}
	s.mu.Unlock()
	if passed {
		s.expire(t)
	}
}

// expire cancels s, whose deadline has passed at t. If an earlier one around has passed as
// well, and its timer is only about to be served, that is the cause: the bridge of s may
// hang below one that this timer closes, and would get context.Canceled for its Err if the
// tree of scopes closed it first.
func (s *Scope) expire(t instant) {
	for s.cause.Load() == nil {
		if _, ok := s.inspect(t); ok {
			break
		}
	}
	s.unsubscribe()
}

func (s *Scope) stopTimerLocked() {
	l := s.limit
	if l == nil {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer, l.timerAt = nil, never
		timers(-1)
	}
	if l.timed {
		l.timed = false // it has been stopped with the bridge
		timers(-1)
	}
}

// timers is called for every timer that is made or stopped; tests count them.
var timers = func(delta int) {}
