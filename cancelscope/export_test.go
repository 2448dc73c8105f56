package cancelscope

import (
	"context"
	"sync/atomic"
)

// timerBalance counts the timers of all scopes that have not been stopped.
var timerBalance atomic.Int64

func init() {
	timers = func(delta int) { timerBalance.Add(int64(delta)) }
	armed = func() {
		if f := armedHook.Load(); f != nil {
			(*f)()
		}
	}
	propagating = func() {
		if f := propagationHook.Load(); f != nil {
			(*f)()
		}
	}
}

// propagationHook is called, with a scope locked, when that has been canceled and the
// scopes inside have not been canceled yet.
var propagationHook atomic.Pointer[func()]

// OnPropagation has f called when a scope has been canceled and the scopes inside have
// not been canceled yet. The scope is locked meanwhile.
func OnPropagation(f func()) (undo func()) {
	propagationHook.Store(&f)
	return func() { propagationHook.Store(nil) }
}

var armedHook atomic.Pointer[func()]

// OnArmed has f called when the timers for a scope that is becoming calm run, and it is not
// calm yet.
func OnArmed(f func()) (undo func()) {
	armedHook.Store(&f)
	return func() { armedHook.Store(nil) }
}

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
func Locked(s *Scope) bool {
	if s.mu.TryLock() {
		s.mu.Unlock()
		return false
	}
	return true
}
