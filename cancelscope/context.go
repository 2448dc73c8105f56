package cancelscope

import (
	"time"

	"github.com/trellis-go/trellis/internal/tree"
)

// A scopeContext is the context of a scope: the same memory under a type of its
// own, so that a Scope is no context itself.
type scopeContext Scope

var _ tree.Node = (*scopeContext)(nil)

// Done makes the channel, and what closes it, at its first call: a scope whose Done is
// never called needs neither.
func (c *scopeContext) Done() <-chan struct{} {
	s := (*Scope)(c)
	if ask := s.calm.Load(); ask == &s.bridge || ask == &quiet {
		return s.done // closed by whatever cancels the scope
	}
	if !s.has(bridged) {
		s.buildBridge()
	}
	if s.look() != nil {
		s.awaitBridge() // as its cause is known already, the channel is not seen open any more
	}
	return s.done
}

func (c *scopeContext) Err() error {
	s := (*Scope)(c)
	cause := s.cause.Load()
	if cause == nil {
		// What isCalm does, written out: it is too much to be inlined.
		if ask := s.calm.Load(); ask == &quiet || ask != nil && (*ask).Err() == nil {
			return nil
		}
		if s.closed() && s.isLocked() {
			// Done is closed, and the cause is about to be stored, under the lock. Thousands
			// that have just been woken would queue up for that, and need not know it.
			return standard(s.bridge.Err())
		}
		if cause = s.look(); cause == nil {
			return nil
		}
	}
	return s.errOf(cause)
}

// isLocked reports whether the lock is held just now.
func (s *Scope) isLocked() bool {
	if !s.mu.TryLock() {
		return true
	}
	s.mu.Unlock()
	return false
}

// errOf returns the Err of the context when it has a cause.
func (s *Scope) errOf(cause *Canceled) error {
	s.awaitBridge() // so that Err is not seen before Done
	return cause.err
}

// awaitBridge returns when the bridge of s, which has a cause, is closed. The goroutine
// that has stored the cause closes it.
func (s *Scope) awaitBridge() {
	if !s.has(bridged) {
		return
	}
	// To wait takes the lock of the channel, for which thousands that have just been
	// woken would queue up.
	select {
	case <-s.done:
	default:
		<-s.done
	}
}

// Deadline returns the earliest of the deadlines of s and the scopes around it that
// cannot move to a later time.
func (c *scopeContext) Deadline() (t time.Time, ok bool) {
	for s := (*Scope)(c); s != nil; s = s.up.Load() {
		s.mu.Lock()
		deadline, public := s.limit.time(), !s.Adjustable && s.phase == running
		s.mu.Unlock()
		if public {
			t = earlier(t, deadline)
		}
		if s.has(shielded | movable) {
			break
		}
		if s.has(foreign) {
			deadline, _ = s.outer.Deadline()
			t = earlier(t, deadline)
			break
		}
	}
	return t, !t.IsZero()
}

// Effective implements [tree.Node].
func (c *scopeContext) Effective() (t time.Time, canceled bool) {
	s := (*Scope)(c)
	if s.poll() != nil {
		return time.Time{}, true
	}
	public := true // the Deadline of the next foreign context is not in that of one inside
	for s != nil {
		s.mu.Lock()
		t = earlier(t, s.limit.time())
		s.mu.Unlock()
		if s.has(shielded) {
			break
		}
		up := s.up.Load()
		if s.has(veiled) {
			public = true // a context inside may have been made when its parent left out those around
		}
		if s.has(foreign) {
			if public {
				deadline, _ := s.outer.Deadline()
				t = earlier(t, deadline)
			}
			public = false
			if up != nil && up.isOver() {
				break // and outer is not done: a context.WithoutCancel lies between
			}
		}
		s = up
	}
	return t, false
}

// isOver reports whether s is canceled, as far as that can be known without asking
// contexts that may ask others in turn.
func (s *Scope) isOver() bool {
	t := now()
	for n := s; n != nil; n = n.visible() {
		if n.cause.Load() != nil || n.deadline().passed(t) {
			return true
		}
		if n.has(foreign) && !n.has(shielded|custom) && n.outer.Err() != nil {
			return true
		}
	}
	return false
}

// earlier returns the earlier one of two deadlines, zero meaning none.
func earlier(t, u time.Time) time.Time {
	if t.IsZero() || !u.IsZero() && u.Before(t) {
		return u
	}
	return t
}

func (c *scopeContext) Value(key any) any {
	switch key := key.(type) {
	case tree.Key:
		return c
	case *int:
		// The standard library finds its own kind of context by a key of this
		// type, and attaches to it without a goroutine.
		if key == cancelCtxKey {
			(*Scope)(c).buildBridge()
			return c.bridge.Value(key)
		}
	}
	return c.outer.Value(key)
}

// String keeps the fmt package from printing, and reading, the fields.
func (c *scopeContext) String() string {
	if c.Name == "" {
		return "cancelscope.Scope"
	}
	return "cancelscope.Scope(" + c.Name + ")"
}

// Fail implements [tree.Node]. Thousands of tasks may come here while one holds the
// lock to wake them, so it is not waited for.
func (c *scopeContext) Fail(reason error) {
	s := (*Scope)(c)
	if s.poll() != nil {
		s.flags.Or(called)
		return
	}
	s.cancel(ByTask, reason)
}

// AwaitPropagation implements [tree.Node].
func (c *scopeContext) AwaitPropagation() { (*Scope)(c).awaitPropagation() }

// Movable implements [tree.Node].
func (c *scopeContext) Movable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	(*Scope)(c).setLocked(movable|veiled, true)
}

// Private implements [tree.Node].
func (c *scopeContext) Private() { c.private = true }
