package cancelscope

import (
	"context"
	"time"
)

// SetShield puts the shield of the scope up or takes it off. A shielded scope
// does not notice cancellations and deadlines from outside; its own still count.
//
// Before Run it may be called at any time. While the scope runs, the shield may be
// taken off, and may be put up again only if the scope is [Scope.Adjustable]:
// otherwise SetShield(true) panics, unless the shield is up. (Cancellations reach a
// running scope through contexts of the standard library, which cannot be taken out of
// the reach of their parents.) After Run it does nothing.
//
// Taking the shield off while the parent is canceled cancels the scope at once,
// before SetShield returns. Putting one up over a running scope that is already
// effectively canceled does nothing, because a closed Done channel cannot be
// opened again: start a new shielded scope inside instead, or use [Shield]. (In
// Trio a raised shield can end a cancellation.)
//
// A deadline from outside that the scope's context has told before the shield
// went up may have kept contexts derived from it from installing a later timer of
// their own. Put a shield up before Run where that matters.
func (s *Scope) SetShield(on bool) {
	s.poll() // what has happened before must not be shielded away
	s.mu.Lock()
	running := s.phase == running
	switch {
	case s.phase == fresh:
		s.setLocked(shielded, on)
	case !running || s.has(shielded) == on:
		running = false // nothing changes
	case on && !s.Adjustable:
		s.mu.Unlock()
		panic("cancelscope: shield put up over a running scope: set Adjustable before Run, or run what must not be canceled in a shielded scope of its own, as Shield does")
	case on && s.cause.Load() != nil:
		running = false
	default:
		s.setLocked(shielded, on)
		s.unsettleLocked()
	}
	s.mu.Unlock()
	if running && !on {
		if s.bridged.Load() && s.span == relayed {
			s.subscribe()
		}
		s.poll()
	}
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
	s := Scope{Name: "shield"}
	s.setLocked(shielded, true)
	s.SetTimeout(limit)
	err := s.Run(ctx, fn)
	if err == nil && s.CanceledCaught() {
		return s.Cause()
	}
	return err
}
