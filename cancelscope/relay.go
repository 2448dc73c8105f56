package cancelscope

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

// A relay closes a relayed bridge.
type relay struct {
	fire         func()        // closes the bridge; written with it, read-only after
	subscription *subscription // guarded by the mu of the scope; the present one, nil if there is none
}

// A subscription is a registration with a context outside.
type subscription struct {
	stop func() bool // undoes it, nil until it is made; written under the mu of the scope while this is the present one
}

// relayLocked makes a relayed bridge.
func (s *Scope) relayLocked() {
	s.span, s.relay = relayed, new(relay)
	// Without Done on the parent the bridge could only be canceled through its
	// own cancel function, which gives every context below context.Canceled for
	// its Err, also after a deadline. Hence the parent that has AfterFunc.
	bridge, cancel := context.WithCancelCause((*relayParent)(s))
	_ = cancel
	s.bridge = bridge
	if s.cause.Load() != nil {
		s.relay.fire()
	}
}

// closeRelayLocked closes the bridge of s if it is relayed.
func (s *Scope) closeRelayLocked() {
	if s.has(bridged) && s.relay != nil {
		s.relay.fire()
	}
}

// subscribe has s polled when something outside that it can see is canceled, if its
// bridge must be closed then. It costs no goroutine while nothing is canceled.
func (s *Scope) subscribe() {
	var ctx context.Context
	switch up := s.visible(); {
	case up != nil:
		up.buildBridge() // with the timers of all deadlines on the way
		if up.span == relayed {
			return // it subscribes as well, and cancels s
		}
		ctx = up.bridge
	case s.has(foreign) && !s.has(shielded):
		ctx = record.Unwrap(s.outer) // which may have an AfterFunc method
	default:
		return
	}
	s.mu.Lock()
	if s.relay.subscription != nil {
		s.mu.Unlock()
		return
	}
	sub := new(subscription)
	s.relay.subscription = sub
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { s.poll() })
	s.mu.Lock()
	stay := s.cause.Load() == nil && s.relay.subscription == sub // s has not been moved meanwhile
	if stay {
		sub.stop = stop
	}
	s.mu.Unlock()
	if !stay {
		stop()
	}
}

// unsubscribe gives up the registration with the context outside.
func (s *Scope) unsubscribe() {
	if !s.has(bridged) || s.span != relayed {
		return
	}
	s.mu.Lock()
	sub := s.relay.subscription
	s.relay.subscription = nil
	s.mu.Unlock()
	if sub != nil && sub.stop != nil { // one without stop sees that it has been given up
		sub.stop()
	}
}

// A relayParent is what a relayed bridge takes for its parent: a context that will be
// done when relay.fire is called, and then has the scope's error and cause. Only the
// bridge uses it.
type relayParent Scope

// open is never closed. A parent whose Done is nil counts as one that cannot be
// canceled.
var open = make(chan struct{})

func (p *relayParent) Done() <-chan struct{} { return open }

func (p *relayParent) Err() error {
	if c := p.cause.Load(); c != nil {
		return c.err
	}
	return nil
}

func (p *relayParent) Deadline() (time.Time, bool) { return time.Time{}, false }

func (p *relayParent) Value(key any) any {
	if c := p.cause.Load(); c != nil {
		return c.carry().Value(key)
	}
	return nil // asked by context.WithCancelCause itself, under our lock
}

// AfterFunc is called once, by context.WithCancelCause in relayLocked.
func (p *relayParent) AfterFunc(f func()) (stop func() bool) {
	p.relay.fire = f
	return neverStopped
}

func neverStopped() bool { return false }
