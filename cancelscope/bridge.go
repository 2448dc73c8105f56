package cancelscope

import (
	"context"
	"time"
)

// A bridge joins a scope to the standard library. Contexts derived from a scope's
// context, directly or with values in between, attach to the nearest context of
// the library's own make, which they ask for by a private key, and cost a
// goroutine each where there is none. The bridge is that context: it is made when
// somebody first asks for Done or for the key, and is closed when the scope is
// canceled. Tried before: embedding one in every scope costs half as much again
// for every scope and is slow to cancel by the hundred thousand; AfterFunc on our
// own type fails as soon as a WithValue hides it.

// buildBridge makes the bridge if there is none yet.
func (s *Scope) buildBridge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bridged.Load() {
		return
	}
	// Without Done on the parent the bridge could only be canceled through its
	// own cancel function, which gives every context below context.Canceled for
	// its Err, also after a deadline. Hence the parent that has AfterFunc.
	bridge, cancel := context.WithCancelCause((*bridgeParent)(s))
	_ = cancel
	s.bridge, s.done = bridge, bridge.Done()
	if s.cause.Load() != nil {
		s.fire()
	}
	s.bridged.Store(true)
}

// A bridgeParent is what the bridge of a scope takes for its parent: a context
// that will be done when fire is called, and then has the scope's error and cause.
// Only the bridge uses it.
type bridgeParent Scope

// open is never closed. A parent whose Done is nil counts as one that cannot be
// canceled.
var open = make(chan struct{})

func (p *bridgeParent) Done() <-chan struct{} { return open }

func (p *bridgeParent) Err() error {
	if c := p.cause.Load(); c != nil {
		return c.err
	}
	return nil
}

func (p *bridgeParent) Deadline() (time.Time, bool) { return time.Time{}, false }

func (p *bridgeParent) Value(key any) any {
	if _, ok := key.(*int); ok {
		if p.fire == nil {
			return nil // asked by context.WithCancelCause itself, under our lock
		}
		if c := p.cause.Load(); c != nil {
			if v := c.carry().Value(key); v != nil {
				return v
			}
		}
	}
	return p.outer.Value(key)
}

// AfterFunc is called once, by context.WithCancelCause in buildBridge.
func (p *bridgeParent) AfterFunc(f func()) (stop func() bool) {
	p.fire = f
	return neverStopped
}

func neverStopped() bool { return false }
