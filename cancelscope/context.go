package cancelscope

import (
	"time"

	"github.com/trellis-go/trellis/internal/tree"
)

// A scopeContext is the context of a scope: the same memory under a type of its
// own, so that a Scope is no context itself.
type scopeContext Scope

var _ tree.Node = (*scopeContext)(nil)

// Done makes the channel when it is first asked for, and starts the timers that
// close it: a scope that nobody waits for needs neither.
func (c *scopeContext) Done() <-chan struct{} {
	s := (*Scope)(c)
	if !s.bridged.Load() {
		s.buildBridge()
		s.watch()
	}
	s.look()
	return s.done
}

func (c *scopeContext) Err() error {
	s := (*Scope)(c)
	cause := s.look()
	if cause == nil {
		return nil
	}
	if s.bridged.Load() {
		// Whoever has stored the cause closes it: who sees Err sees Done. To wait
		// takes the lock of the channel, for which thousands that have just been woken
		// would queue up.
		select {
		case <-s.done:
		default:
			<-s.done
		}
	}
	return cause.err
}

// Deadline tells the earliest of the deadlines around that cannot move to a later
// time.
func (c *scopeContext) Deadline() (t time.Time, ok bool) {
	s := (*Scope)(c)
	for s != nil {
		s.mu.Lock()
		deadline, foreign, outer := s.limit.time(), s.foreign, s.outer
		public, hidden, up := !s.Adjustable && s.phase == running, s.shield || s.movable, s.up
		s.mu.Unlock()
		if public {
			t = earlier(t, deadline)
		}
		if hidden {
			break
		}
		if foreign {
			deadline, _ = outer.Deadline()
			t = earlier(t, deadline)
			break
		}
		s = up
	}
	return t, !t.IsZero()
}

// Effective implements [tree.Node].
func (c *scopeContext) Effective() (t time.Time, canceled bool) {
	s := (*Scope)(c)
	if s.look() != nil {
		return time.Time{}, true
	}
	for s != nil {
		s.mu.Lock()
		deadline, foreign, outer := s.limit.time(), s.foreign, s.outer
		hidden, up := s.shield, s.up
		s.mu.Unlock()
		t = earlier(t, deadline)
		if hidden {
			break
		}
		if foreign {
			deadline, _ = outer.Deadline()
			t = earlier(t, deadline)
			if up != nil && up.look() != nil {
				break // and outer is not done: a context.WithoutCancel lies between
			}
		}
		s = up
	}
	return t, false
}

// earlier returns the earlier one of two deadlines, zero meaning none.
func earlier(t, u time.Time) time.Time {
	if t.IsZero() || !u.IsZero() && u.Before(t) {
		return u
	}
	return t
}

func (c *scopeContext) Value(key any) any {
	switch key.(type) {
	case tree.Key:
		return c
	case *int:
		// The standard library finds its own kind of context by a key of this
		// type, and attaches to it without a goroutine. Everybody else's keys of
		// this type are passed on by the bridge.
		c.Done()
		return c.bridge.Value(key)
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
	if s.look() != nil {
		s.called.Store(true)
		return
	}
	s.cancel(ByTask, reason)
}

// Told implements [tree.Node].
func (c *scopeContext) Told() { (*Scope)(c).tell() }

// Movable implements [tree.Node].
func (c *scopeContext) Movable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.movable = true
}

// Move implements [tree.Node].
func (c *scopeContext) Move(to tree.Node) bool {
	s, up := (*Scope)(c), (*Scope)(to.(*scopeContext))
	if s.encloses(up) {
		panic("cancelscope: move of a scope into itself: a task cannot be started into a nursery that it waits for")
	}
	detach, ok := s.cutOff()
	if !ok {
		return false
	}
	if detach != nil {
		detach()
	}
	up.mu.Lock()
	s.mu.Lock()
	s.up, s.movable = up, false
	s.linkLocked(up)
	s.inheritLocked(s.aroundLocked())
	s.inheritCauseLocked()
	watched := s.watched && !s.shield
	s.mu.Unlock()
	up.mu.Unlock()
	if watched {
		up.watch()
	}
	return true
}
