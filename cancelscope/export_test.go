package cancelscope

import (
	"context"
	"sync/atomic"
)

// timerBalance counts the timers of all scopes that have not been stopped.
var timerBalance atomic.Int64

func init() {
	timers = func(delta int) { timerBalance.Add(int64(delta)) }
	armed = onArmed.call
	closing = onClose.call
	relaying = onRelay.call
	propagating = onPropagation.call
	inheriting = onInherit.call
}

// A hook has a function called at a moment that lasts a few instructions.
type hook struct{ f atomic.Pointer[func()] }

var onArmed, onClose, onRelay, onPropagation, onInherit hook

func (h *hook) call() {
	if f := h.f.Load(); f != nil {
		(*f)()
	}
}

func (h *hook) set(f func()) (undo func()) {
	h.f.Store(&f)
	return func() { h.f.Store(nil) }
}

// OnArmed has f called when the timers for a scope that is becoming calm run, and it is not
// calm yet.
func OnArmed(f func()) (undo func()) { return onArmed.set(f) }

// OnClose has f called when the bridge of a scope has been closed, if it is attached, and the
// cause has not been stored yet. The scope is locked meanwhile.
func OnClose(f func()) (undo func()) { return onClose.set(f) }

// OnRelay has f called when the cause of a scope has been stored, and its bridge, if that is
// relayed, has not been closed yet. The scope is locked meanwhile.
func OnRelay(f func()) (undo func()) { return onRelay.set(f) }

// OnPropagation has f called when a scope has been canceled and the scopes inside have not
// been canceled yet. The scope is locked meanwhile.
func OnPropagation(f func()) (undo func()) { return onPropagation.set(f) }

// OnInherit has f called when a scope is about to take over the cause of the one around it.
func OnInherit(f func()) (undo func()) { return onInherit.set(f) }

// Timers returns how many timers of scopes there are.
func Timers() int { return int(timerBalance.Load()) }

// Children returns how many scopes hang below s.
func Children(s *Scope) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for in := s.children; in != nil; in = in.next {
		n++
	}
	return n
}

// Bridged reports whether s has a context of the standard library of its own.
func Bridged(s *Scope) bool { return s.has(bridged) }

// Calm reports whether nothing but the bridge is asked to know that s is not canceled.
func Calm(s *Scope) bool { return s.calm.Load() != nil }

// Hold locks s.
func Hold(s *Scope) (release func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// RelayParent returns the parent of the bridge of s, which must be relayed.
func RelayParent(s *Scope) context.Context { return (*relayParent)(s) }

// NeverStopped is what stops the function that was given to AfterFunc of such a parent.
func NeverStopped() bool { return neverStopped() }

// Locked reports whether s is locked.
func Locked(s *Scope) bool { return s.isLocked() }

// RaiseShield does what SetShield(true) does when it has looked for cancellations.
func RaiseShield(s *Scope) {
	s.mu.Lock()
	s.setLocked(shielded, true)
	s.endCalmLocked()
	s.mu.Unlock()
}
