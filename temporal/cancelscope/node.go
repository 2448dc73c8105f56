package cancelscope

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// A node is a scope for the other packages of this module: the same memory under a type of
// its own, so that their methods are not the user's.
type node Scope

var _ tree.Node = (*node)(nil)

// scopeOf returns the innermost scope around ctx, nil if there is none or it has ended. The
// context of an ended scope is canceled, and counts like any other that is.
func scopeOf(ctx workflow.Context) *Scope {
	n, ok := ctx.Value(tree.Key{}).(*node)
	if !ok || n.phase == left {
		return nil
	}
	return (*Scope)(n)
}

// Look implements [tree.Node].
func (n *node) Look(t time.Time) error {
	if c := (*Scope)(n).lookAt(t); c != nil {
		return c
	}
	return nil
}

// Effective implements [tree.Node].
func (n *node) Effective() (t time.Time, canceled bool) {
	s := (*Scope)(n)
	if s.look() != nil {
		return time.Time{}, true
	}
	for s != nil {
		if at := s.limit.deadline; !at.IsZero() && (t.IsZero() || at.Before(t)) {
			t = at
		}
		if s.shield || s.foreign && s.up != nil && s.up.look() != nil {
			break // outer is not canceled although up is: it was disconnected from it
		}
		s = s.up
	}
	return t, false
}

// Fail implements [tree.Node].
func (n *node) Fail(reason error) { (*Scope)(n).cancel(ByTask, reason) }

// Move implements [tree.Node].
func (n *node) Move(to tree.Node) bool {
	s, up := (*Scope)(n), (*Scope)(to.(*node))
	if s.encloses(up) {
		panic("cancelscope: move of a scope into itself: a task cannot be started into a nursery that it waits for")
	}
	if s.look() != nil {
		return false
	}
	s.unlink()
	s.stopWatching()
	s.foreign = false
	s.link(up)
	s.look()
	return true
}

// Notice implements [tree.Node].
func (n *node) Notice() {
	for s := (*Scope)(n); s != nil && !s.noticed; s = s.up {
		s.noticed = true
	}
}

// Noticed implements [tree.Node].
func (n *node) Noticed() bool { return n.noticed }
