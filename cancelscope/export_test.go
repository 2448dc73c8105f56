package cancelscope

import "sync/atomic"

// timerBalance counts the timers of all scopes that have not been stopped.
var timerBalance atomic.Int64

// timerStopped is called, with a scope locked, when a timer has been stopped.
var timerStopped atomic.Pointer[func()]

func init() {
	timers = func(delta int) {
		timerBalance.Add(int64(delta))
		if f := timerStopped.Load(); f != nil && delta < 0 {
			(*f)()
		}
	}
}

// OnTimerStopped has f called when a scope stops its timer, which it does when it has
// been canceled and nobody has been told yet. The scope is locked meanwhile.
func OnTimerStopped(f func()) (undo func()) {
	timerStopped.Store(&f)
	return func() { timerStopped.Store(nil) }
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
func Bridged(s *Scope) bool { return s.bridged.Load() }

// InStep reports whether what s has derived from the scopes around it is what follows
// from them. Nobody may move anything meanwhile.
func InStep(s *Scope) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due, source := s.aroundLocked()
	if s.shield {
		due, source = never, nil
	}
	first := s.limit != nil && s.limit.first
	own := s.limit.instant()
	return s.inForce() == min(due, own) && s.source.Load() == source && first == (own < due)
}
