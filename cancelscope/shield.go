package cancelscope

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-go/trellis/internal/cutshort"
)

// SetShield raises the shield of the scope or takes it down. A shielded scope
// does not notice cancellations and deadlines from outside; its own still count.
//
// Before Run it may be called at any time. While the scope runs, the shield may be
// taken down, and may be raised again only if the scope is [Scope.Adjustable]:
// otherwise SetShield(true) panics, unless the shield is up. (Cancellations reach a
// running scope through contexts of the standard library, which cannot be detached
// from their parents.) After Run it does nothing.
//
// Taking the shield down while the parent is canceled cancels the scope at once,
// before SetShield returns. Raising the shield of a running scope that is already
// effectively canceled does nothing, because a closed Done channel cannot be
// opened again: start a new shielded scope inside instead, or use [Shield].
//
// If the Deadline method of the scope's context has returned a deadline from outside
// before the shield was raised, contexts derived from it may have installed no timer for
// a later deadline of their own. Raise the shield before Run where that matters.
func (s *Scope) SetShield(on bool) {
	s.poll() // what has happened before must not be shielded away
	up, outside := s.up.Load(), s.has(foreign)
	var hidden *Canceled
	if !on {
		hidden = s.hidden()
	}
	s.mu.Lock()
	running := s.phase == running
	switch {
	case s.phase == fresh:
		s.shieldLocked(on)
	case !running || s.has(shielded) == on:
		running = false // nothing changes
	case on && !s.Adjustable:
		s.mu.Unlock()
		panic("cancelscope: shield put up over a running scope: set Adjustable before Run, or run what must not be canceled in a shielded scope of its own, as Shield does")
	case on && s.cause.Load() != nil:
		running = false
	default:
		s.shieldLocked(on)
		s.endCalmLocked()
		if hidden != nil && s.up.Load() == up && s.has(foreign) == outside {
			// Now, because another goroutine may raise the shield again.
			s.setCauseLocked(hidden)
		}
	}
	s.mu.Unlock()
	if running && !on {
		if s.has(bridged) && s.span == relayed {
			s.subscribe()
		}
		s.poll()
	}
}

func (s *Scope) shieldLocked(on bool) {
	s.setLocked(shielded, on)
	if on {
		s.setLocked(veiled, true)
	}
}

// hidden returns the cancellation that the shield of s hides, nil if there is none.
func (s *Scope) hidden() *Canceled {
	up := s.up.Load()
	switch {
	case !s.has(shielded):
		return nil
	case s.has(foreign):
		if s.outerErr() == nil {
			return nil
		}
		return s.fromOuter()
	case up == nil:
		return nil
	}
	return up.poll()
}

// Shield runs fn inside a shielded scope that ends limit after its entry: the way
// to clean up in a function that is being canceled. fn gets a context that is not
// done although ctx is, with the values of ctx, and no deadline but its own; a
// negative limit is taken as zero.
//
// It returns the error of fn: nil, or a real error. If the limit cut fn short, so
// that fn returned a cancellation and nothing else, Shield returns a [*TooSlowError].
//
// Shield blocks until fn has returned, and panics as [Scope.Run] does. In a deferred
// call its error would be lost: see [Cleanup].
func Shield(ctx context.Context, limit time.Duration, fn func(ctx context.Context) error) error {
	limit = max(limit, 0)
	s := Scope{Name: "shield"}
	s.setLocked(shielded, true)
	s.SetTimeout(limit)
	var cut error
	if fn != nil {
		work := fn
		fn = func(ctx context.Context) error { cut = work(ctx); return cut }
	}
	err := s.Run(ctx, fn)
	if err == nil && s.CanceledCaught() {
		t, _ := s.Deadline()
		return &TooSlowError{Name: s.Name, Limit: limit, Deadline: t, Cut: cutshort.Words(cut), work: "shielded clean-up"}
	}
	return err
}

// Cleanup is [Shield] for use in a defer statement, in a function whose result is
// named err:
//
//	defer cancelscope.Cleanup(ctx, &err, 5*time.Second, func(ctx context.Context) error {
//		return conn.Goodbye(ctx)
//	})
//
// It joins the error of Shield to *err as [errors.Join] does; if *err is nil, the
// error becomes *err itself. The limit begins when Cleanup runs and not with the
// defer statement.
//
// Cleanup runs as well when the function ends by a panic or by runtime.Goexit. The
// panic or the exit then continues, and because the function does not return, *err is
// lost: fn has to log what must be known in that case.
//
// Cleanup panics if err is nil, and otherwise as Shield does. It reads and writes
// *err without synchronization, as the function itself does.
func Cleanup(ctx context.Context, err *error, limit time.Duration, fn func(ctx context.Context) error) {
	if err == nil {
		panic("cancelscope: Cleanup with a nil pointer: pass the address of the named result of the function")
	}
	switch e := Shield(ctx, limit, fn); {
	case e == nil:
	case *err == nil:
		*err = e
	default:
		*err = errors.Join(*err, e)
	}
}
