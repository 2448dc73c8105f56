package errgroup

import (
	"context"
	"reflect"
	"time"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// What package tasktree shows of a group is a node, which is also the context that
// WithContext returns, so that what is opened under it is found inside the group. A group
// has no end that we would learn of, so its node is in no list: it is shown while tasks
// are.

// newNode makes the node of a group whose context is inner, derived from outer.
func (g *Group) newNode(outer, inner context.Context) *record.Node {
	node := record.New(record.Group, inner, tree.Record(outer), "", nil)
	node.Host(&groupContext{g, inner, outer})
	node.Passive()
	g.node.Store(node)
	return node
}

// task makes the node of a task.
func (g *Group) task(f func() error) *record.Node {
	group := g.node.Load()
	if group == nil {
		group = record.New(record.Group, context.Background(), nil, "", nil)
		group.Passive()
		if !g.node.CompareAndSwap(nil, group) {
			group = g.node.Load()
		}
	}
	node := record.New(record.Task, group, group, "", f)
	node.Link()
	return node
}

// runRecorded is run for a task that is recorded.
func (g *Group) runRecorded(node *record.Node, f func() error) {
	defer g.end()
	defer node.End()
	node.Enter()
	if err := f(); err != nil {
		g.fail(err)
	}
}

// A groupContext reports why the context of a group is done. It is used as a pointer, because
// outer may be of a type of the program's that cannot be compared.
type groupContext struct {
	group        *Group
	inner, outer context.Context
}

// Report implements [record.Reporter].
func (c *groupContext) Report() record.Report { return record.Report{Outer: c.inner} }

// Ask implements [record.Reporter].
func (c *groupContext) Ask(context.Context) (*record.Cause, time.Time) {
	if c.inner.Err() == nil {
		deadline, _ := c.inner.Deadline()
		return nil, deadline
	}
	reason := context.Cause(c.inner)
	return &record.Cause{Identity: c.inner, Kind: c.kind(reason), Reason: reason}, time.Time{}
}

// kind says what has canceled the context. After a task has failed, the context around may be
// done as well, and after that has, a task may return its error.
func (c *groupContext) kind(reason error) string {
	c.group.mu.Lock()
	failed := c.group.err
	c.group.mu.Unlock()
	outside := c.outer.Err() != nil
	switch {
	case outside && same(reason, context.Cause(c.outer)):
		return "parent"
	case failed != nil && same(reason, failed):
		return "task"
	case outside:
		return "parent"
	}
	return "exit" // Wait has returned
}

// same reports whether two errors are the same one, as far as they can be compared.
func same(a, b error) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.Type() == y.Type() && (!x.Comparable() || !y.Comparable() || a == b)
}
