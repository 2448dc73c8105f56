package cancelscope

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// A limit is the deadline of a scope of its own, with the timer for it.
type limit struct {
	relative bool          // timeout counts, deadline is not known yet
	timeout  time.Duration // before Run
	deadline time.Time     // zero: none

	timerAt time.Time           // when the timer fires; zero: there is none
	stop    workflow.CancelFunc // cancels the timer; nil if there is none
}

// begin fixes the deadline at the moment of entry.
func (l *limit) begin(now time.Time) {
	if l.relative {
		l.deadline, l.relative = now.Add(l.timeout), false
	}
}

// passed reports whether the deadline has passed at t.
func (l *limit) passed(t time.Time) bool {
	return !l.relative && !l.deadline.IsZero() && !l.deadline.After(t)
}

// SetTimeout sets the deadline of the scope: before Run to d after the moment of entry,
// during Run to d from now, also if that is later than the deadline was. A negative d is
// taken as zero: the scope is canceled at once, or on entry, and the block runs to its first
// wait. After Run it does nothing, and it never undoes a cancellation.
func (s *Scope) SetTimeout(d time.Duration) {
	d = max(d, 0)
	switch s.phase {
	case fresh:
		s.limit.timeout, s.limit.relative, s.limit.deadline = d, true, time.Time{}
	case running:
		now := workflow.Now(s.outer)
		s.moveDeadline(now.Add(d), now)
	}
}

// SetDeadline sets the deadline of the scope to t, also if that is later than the deadline
// was; the zero time means none. A time that is past cancels the scope at once, or on entry.
// After Run it does nothing, and it never undoes a cancellation.
func (s *Scope) SetDeadline(t time.Time) {
	switch s.phase {
	case fresh:
		s.limit.deadline, s.limit.relative = t, false
	case running:
		s.moveDeadline(t, workflow.Now(s.outer))
	}
}

func (s *Scope) moveDeadline(t, now time.Time) {
	s.lookAt(now) // what has happened before comes first
	s.expireOwn(now)
	s.limit.deadline = t
	if t.IsZero() {
		s.disarm()
		return
	}
	s.expireOwn(now)
	s.arm()
}

// Deadline returns the scope's own deadline; ok is false if it has none, or if it counts
// from an entry that has not taken place yet. Deadlines of scopes around this one do not
// count; deadline.Effective considers them.
func (s *Scope) Deadline() (t time.Time, ok bool) {
	return s.limit.deadline, !s.limit.deadline.IsZero()
}

// expire cancels the scope whose passed deadline is the reason that s has been due: of the
// scopes that s can see around it the one with the earliest deadline, and the outermost of
// those with the same.
func (s *Scope) expire(t time.Time) {
	var due *Scope
	earliest := t
	for n := s; n != nil; n = n.up {
		if at := n.limit.deadline; n.phase == running && n.limit.passed(t) && !at.After(earliest) {
			due, earliest = n, at
		}
		if n.shield || n.foreign {
			break
		}
	}
	if due != nil {
		due.expireOwn(t)
	}
}

// expireOwn cancels s if its own deadline has passed at t.
func (s *Scope) expireOwn(t time.Time) {
	if s.phase != running || !s.limit.passed(t) {
		return
	}
	s.called = true
	if s.cause == nil {
		s.setCause(&Canceled{kind: ByDeadline, reason: s.Reason, origin: s, deadline: s.limit.deadline})
	}
}

// arm starts the timer of a scope that has a deadline and can still be canceled by it. A
// timer that would fire too early is left: it arms itself again. So a deadline that moves
// later and later costs no commands.
func (s *Scope) arm() {
	l := &s.limit
	if s.phase != running || s.cause != nil || l.deadline.IsZero() {
		return
	}
	if l.stop != nil {
		if !l.deadline.Before(l.timerAt) {
			return
		}
		s.disarm()
	}
	// A context of its own, because the timer must fire in a scope that is shielded or
	// canceled meanwhile, and must be canceled alone.
	ctx, stop := workflow.NewDisconnectedContext(s.outer)
	at := l.deadline
	l.timerAt, l.stop = at, stop
	options := workflow.TimerOptions{}
	if s.Name != "" {
		options.Summary = "deadline of " + s.Name
	}
	timer := workflow.NewTimerWithOptions(ctx, at.Sub(workflow.Now(ctx)), options)
	workflow.GoNamed(ctx, "deadline "+s.Name, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) == nil {
			s.fired(at)
		}
	})
}

// fired runs when the timer for the deadline at has fired.
func (s *Scope) fired(at time.Time) {
	if s.phase != running || s.limit.stop == nil || !s.limit.timerAt.Equal(at) {
		return // canceled in the workflow task in which it fired
	}
	s.limit.timerAt, s.limit.stop = time.Time{}, nil
	// The server's clock may be behind the one that the deadline was computed with.
	now := workflow.Now(s.outer)
	if now.Before(at) {
		now = at
	}
	s.lookAt(now)
	s.expireOwn(now)
	s.arm()
}

func (s *Scope) disarm() {
	if s.limit.stop != nil {
		s.limit.stop()
		s.limit.timerAt, s.limit.stop = time.Time{}, nil
	}
}
