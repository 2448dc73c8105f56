package cancelscope

import (
	"context"
	"sync"
	"time"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// What package tasktree shows of a scope is a node, which is made when the scope is
// entered while recording is on. The scope keeps it as outer: a node is also the context
// that it is made from. For a scope that was entered before recording was turned on,
// outer is something else. If its node is needed, because something is opened inside, it
// is made then, and kept in olders until the scope is left.

// olders maps scopes to their nodes, if outer is not the node.
var olders sync.Map // of *Scope to *record.Node

// enterRecorded is enter where a node may have to be made, or ctx is one.
func (s *Scope) enterRecorded(ctx context.Context) {
	around, _ := ctx.(*record.Node)
	ctx = record.Unwrap(ctx)
	up, where := surroundings(ctx)
	node, outer := s.node(ctx, around)
	s.begin(outer, up, where)
	if node != nil {
		s.mu.Lock()
		s.setLocked(recorded, true)
		s.mu.Unlock()
		tree.Link(node)
	}
}

// node returns the node of s, which is being entered in ctx, nil if it gets none, and what
// is to be outer. around, if not nil, is the node that stands for ctx. It may be the one that
// is about s.
func (s *Scope) node(ctx context.Context, around *record.Node) (*record.Node, context.Context) {
	c := (*scopeContext)(s)
	if around != nil {
		if around.Expects() && around.Host(c) {
			return around, around
		}
		ctx = around // so that what is inside s finds it
	}
	if !record.On() {
		return nil, ctx
	}
	n := record.New(s.recordKind(), ctx, tree.Record(ctx), s.Name, nil)
	n.Host(c)
	return n, n
}

func (s *Scope) recordKind() record.Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.has(internal):
		return record.Internal
	case s.has(shielded):
		return record.Shield
	case s.limit != nil:
		return record.Limit
	}
	return record.Scope
}

// ownNode returns the node that s has as outer, nil if it has none.
func (s *Scope) ownNode() *record.Node {
	if s.has(recorded) {
		return s.outer.(*record.Node)
	}
	return nil
}

// knownNode returns the node of s, nil if it has none.
func (s *Scope) knownNode() *record.Node {
	if n := s.ownNode(); n != nil {
		return n
	}
	if n, ok := olders.Load(s); ok {
		return n.(*record.Node)
	}
	return nil
}

// endedNode returns the node that ends with s, nil if there is none. The phase is left.
func (s *Scope) endedNode() *record.Node {
	if s.has(older) {
		n, _ := olders.LoadAndDelete(s)
		s.setLocked(older, false)
		return n.(*record.Node)
	}
	if n := s.ownNode(); n != nil && !n.Expects() {
		return n
	}
	return nil
}

// Internal implements [tree.Node].
func (c *scopeContext) Internal() {
	s := (*Scope)(c)
	s.mu.Lock()
	s.setLocked(internal, true)
	s.mu.Unlock()
	if n := s.knownNode(); n != nil {
		n.Become(record.Internal)
	}
}

// Around implements [tree.Node].
func (c *scopeContext) Around() context.Context {
	if up := c.up.Load(); up != nil {
		return (*scopeContext)(up)
	}
	return nil
}

// Record implements [tree.Node].
func (c *scopeContext) Record() *record.Node {
	s := (*Scope)(c)
	if n := s.knownNode(); n != nil {
		tree.Link(n) // it may have begun while recording was off and a trace was taken
		return n
	}
	if !record.On() {
		return nil
	}
	around := tree.Record(s.outer) // before the lock: it asks contexts that may be the user's own
	kind := s.recordKind()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.phase != running:
		return around
	case s.has(older):
		n, _ := olders.Load(s)
		return n.(*record.Node)
	}
	n := record.NewOlder(kind, s.outer, around, s.Name)
	n.Host(c)
	s.setLocked(older, true)
	olders.Store(s, n)
	n.Link()
	return n
}

// Report implements [record.Reporter]. It finds out what poll would, and changes nothing.
func (c *scopeContext) Report() (r record.Report) {
	s := (*Scope)(c)
	r.Shielded = s.has(shielded)
	first, sees := never, true
	var due *Scope
	for n := s; n != nil; n = n.up.Load() {
		if cause := n.cause.Load(); cause != nil && sees {
			if cause != exited || !s.hasLeft() {
				r.Cause = cause.story()
			}
			return r
		}
		if at := n.deadline(); at.before(first) || at != never && at == first && sees {
			due, first = n, at
		}
		if n.has(shielded) {
			break
		}
		if n.has(foreign) {
			if sees {
				r.Outer = record.Unwrap(n.outer)
			}
			sees = false // what is beyond, outer must say
		}
	}
	if due == nil {
		return r
	}
	r.Deadline, r.Of = base.Add(time.Duration(first)).Round(0), due.knownNode()
	if first.passed(now()) {
		r.Cause = &record.Cause{Identity: due, Kind: ByDeadline.String(), By: due.Name, Reason: due.Reason, Since: r.Deadline}
	}
	return r
}

// hasLeft reports whether the block of s has ended. What s is the scope of may end later.
func (s *Scope) hasLeft() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == left
}

// Ask implements [record.Reporter].
func (c *scopeContext) Ask(outer context.Context) (cause *record.Cause, deadline time.Time) {
	err := outer.Err()
	if err == nil {
		deadline, _ = outer.Deadline()
		return nil, deadline
	}
	reason := context.Cause(outer)
	if by, ok := reason.(*Canceled); ok && by != nil {
		return by.story(), deadline
	}
	return &record.Cause{Identity: c, Kind: ByParent.String(), Reason: reason}, deadline
}

// story is what is shown of a cancellation.
func (c *Canceled) story() *record.Cause {
	r := &record.Cause{Identity: c, Kind: c.kind.String(), By: c.scope, Reason: c.reason, Since: record.Time(c.at)}
	switch {
	case c.kind == ByDeadline:
		r.Since = c.deadline.Round(0)
	case c.kind == ByParent && c.reason == nil:
		r.Reason = c.err
	}
	return r
}
