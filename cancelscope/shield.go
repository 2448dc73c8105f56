package cancelscope

import (
	"context"
	"time"
)

// SetShield puts the shield of the scope up or takes it off. A shielded scope
// does not notice cancellations and deadlines from outside; its own still count.
//
// Taking the shield off while the parent is canceled cancels the scope at once,
// before SetShield returns. Putting one up over a running scope that is already
// effectively canceled does nothing, because a closed Done channel cannot be
// opened again: start a new shielded scope inside instead, or use [Shield]. (In
// Trio a raised shield can end a cancellation.) After Run it does nothing.
//
// A deadline from outside that the scope's context has told before the shield
// went up may have kept contexts derived from it from installing a later timer of
// their own. Put a shield up before Run where that matters.
func (s *Scope) SetShield(on bool) {
	s.look() // what has happened before must not be shielded away
	s.mu.Lock()
	if s.phase == fresh {
		s.shield = on
		s.mu.Unlock()
		return
	}
	if s.phase == left || s.shield == on || on && s.cause.Load() != nil {
		s.mu.Unlock()
		return
	}
	s.shield = on
	s.inheritLocked(s.aroundLocked())
	s.inheritCauseLocked()
	var up *Scope
	attach := false
	if s.watched {
		up = s.visibleLocked()
		attach = s.attachLocked()
	}
	s.mu.Unlock()
	if up != nil {
		up.watch()
	}
	if attach {
		s.attach()
	}
	s.look()
}

// Shield runs fn inside a shielded scope that ends limit after its entry: the way
// to clean up in a function that is being canceled. fn gets a context that is not
// done although ctx is, and no deadline but its own; a negative limit is taken as
// zero.
//
// It returns the error of fn. If the limit cut fn short, so that fn returned a
// cancellation, that is not passed over in silence: Shield returns the
// [*Canceled] of its scope, which is context.DeadlineExceeded for [errors.Is]
// and a real error, not a cancellation, to every scope around.
//
// Shield blocks until fn has returned, and panics as [Scope.Run] does.
func Shield(ctx context.Context, limit time.Duration, fn func(ctx context.Context) error) error {
	s := Scope{Name: "shield", shield: true}
	s.SetTimeout(limit)
	err := s.Run(ctx, fn)
	if err == nil && s.CanceledCaught() {
		return s.Cause()
	}
	return err
}
