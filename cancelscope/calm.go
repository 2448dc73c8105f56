package cancelscope

import "context"

// Err and Done are called in loops, and must cost no more than in the standard library:
// a look at the clock is ten times that. So a scope that is asked often becomes calm:
// Done is asked for, so that whatever cancels the scope closes its bridge, and the
// timers of all deadlines in sight run, early. Until one fires, nothing but the bridge
// has to be asked. When it does, all scopes inside that were calm read the clock again,
// so that a deadline counts from the very instant that it has passed. If timers are
// late by more than the margin (a process that was stopped), a look may miss a deadline
// that has passed, as every look at a context of the standard library does.

// many is how many looks make a scope calm.
const many = 16

// quiet is what calm is where there is nothing to ask: whatever cancels the scope makes
// it known that it is not calm any more.
var quiet = context.Background()

// isCalm reports whether s is calm and not canceled.
func (s *Scope) isCalm() bool {
	ask := s.calm.Load()
	return ask != nil && (ask == &quiet || (*ask).Err() == nil)
}

// look is poll for Err and Done.
func (s *Scope) look() *Canceled {
	switch n := s.looks.Load(); {
	case n < many:
		s.looks.Store(n + 1)
	case n == many:
		s.looks.Store(many + 1) // if it fails, it would next time
		s.becomeCalm()
	}
	return s.poll()
}

// becomeCalm makes s calm, if it can be. What happens around s from now on takes the
// mark from it again, and what has happened before is seen by arm.
func (s *Scope) becomeCalm() {
	s.buildBridge()
	for n := s; n != nil; n = n.visible() {
		n.mu.Lock() // for a cancellation that is just being passed on
		n.setLocked(calmInside, true)
		n.mu.Unlock()
	}
	ask := s.arm(now())
	armed()
	s.mu.Lock()
	if ask != nil && s.has(calmInside) && s.phase == running && s.cause.Load() == nil {
		s.calm.Store(ask)
	}
	s.mu.Unlock()
}

// armed is called when the timers for a scope that is becoming calm run. Tests replace it.
var armed = func() {}

// arm arms the timers of all deadlines that s can see, and returns what has to be asked
// when they run; nil if that is too much for one question, or if a deadline is near.
func (s *Scope) arm(t instant) *context.Context {
	ask, between := &quiet, false
	add := func(source *context.Context) bool {
		if ask != &quiet {
			// A bridge says whatever the bridges say that it hangs below. Relayed ones
			// hang below nothing.
			return !between
		}
		ask, between = source, false
		return true
	}
	for n := s; n != nil; n = n.visible() {
		n.mu.Lock()
		n.armLocked(t)
		far := n.cause.Load() == nil && (n.deadline() == never || n.limit.timerAt != never && !n.limit.near && n.deadline()-t >= margin)
		n.mu.Unlock()
		hasBridge := n.has(bridged)
		switch {
		case !far:
			return nil
		case hasBridge && n.span == relayed:
			between = true
			if n.has(foreign) && !n.has(shielded) && (n.up.Load() != nil || !add(&n.outer)) {
				return nil
			}
		case hasBridge && n.wild:
			if !add(&n.bridge) {
				return nil
			}
			fallthrough
		default:
			if n.has(foreign) && n.up.Load() != nil && !n.has(shielded) {
				return nil // deadlines of scopes beyond count as well
			}
		}
	}
	return ask
}

// endCalmLocked ends the calm of s and of the scopes inside that are linked.
func (s *Scope) endCalmLocked() {
	if !s.has(calmInside) {
		return
	}
	s.setLocked(calmInside, false)
	s.calm.Store(nil)
	s.looks.Store(0)
	for in := s.children; in != nil; in = in.next {
		if in.has(calmInside) && !in.has(shielded) {
			in.mu.Lock() // after the lock of its parent
			in.endCalmLocked()
			in.mu.Unlock()
		}
	}
}
