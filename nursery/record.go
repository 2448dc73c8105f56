package nursery

import (
	"context"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// What package tasktree shows: each nursery and each task has a node, which is made here if
// recording is on. The node of a nursery is what its scope is entered in; the node of a
// task stands for the context of the nursery, and is what the task is given.

// openRecorded is open with a node for the nursery.
func (n *Nursery) openRecorded(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	node := record.New(record.Nursery, ctx, tree.Record(ctx), n.scope.Name, nil)
	node.Expect()
	node.Count(n)
	node.Enter()
	defer node.End()
	return n.open(node, func(ctx context.Context, n *Nursery) error {
		defer node.BodyEnded()
		return body(ctx, n)
	})
}

// recordedAs returns the node of the nursery, nil if it has none.
func (n *Nursery) recordedAs() *record.Node {
	node := n.ctx.(tree.Node).Record()
	if node != nil && node.Older() { // and was made without our knowledge
		node.Become(record.Nursery)
		node.Count(n)
	}
	return node
}

// goRecorded starts a task with a node.
func (n *Nursery) goRecorded(name string, task func(ctx context.Context) error) {
	node := record.New(record.Task, n.ctx, n.recordedAs(), name, task)
	tree.Link(node)
	go n.runRecorded(node, task)
}

// runRecorded is the goroutine of a task with a node.
func (n *Nursery) runRecorded(node *record.Node, task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if returned {
			n.exitNode(node, taskShare)
			return
		}
		defer n.exitNode(node, taskShare) // also after a callback has exited
		n.endAbnormally(label{name: node.Name(), task: task}, recover(), nil)
	}()
	node.Enter()
	if err := task(node); err != nil {
		n.fail(node.Name(), task, err)
	}
	returned = true
}

// inNode returns the context for a task: that of the nursery, or the node of the task.
func (n *Nursery) inNode(kind record.Kind, l label) context.Context {
	if !record.Active() {
		return n.ctx
	}
	node := record.New(kind, n.ctx, n.recordedAs(), l.name, l.task)
	tree.Link(node)
	return node
}

// inOwnNode is like inNode for a task that has a scope of its own.
func (n *Nursery) inOwnNode(kind record.Kind, l label) context.Context {
	if !record.Active() {
		return n.ctx
	}
	return n.ownNode(kind, l, n.ctx)
}

// ownNode returns the node of a task that has a scope of its own, which lies inside ctx.
func (n *Nursery) ownNode(kind record.Kind, l label, ctx context.Context) *record.Node {
	node := record.New(kind, ctx, n.recordedAs(), l.name, l.task)
	node.Expect()
	tree.Link(node)
	return node
}

// inPendingNode returns the context for a task that belongs to the caller until it has
// moved: ctx, or the node of the task.
func (n *Nursery) inPendingNode(ctx context.Context, l label) context.Context {
	if !record.Active() {
		return ctx
	}
	node := record.New(record.Pending, ctx, tree.Record(ctx), l.name, l.task)
	node.Expect()
	node.Bound(n.recordedAs())
	tree.Link(node)
	return node
}

// moveNode says that a task that was pending, whose scope has the context given, is the
// nursery's now.
func (n *Nursery) moveNode(scope tree.Node, l label) {
	node := scope.Record()
	if node == nil || !node.Expects() {
		return // the task was not recorded when it was started
	}
	if l.kind == backgroundTask {
		node.Become(record.Background)
	} else {
		node.Become(record.Task)
	}
	node.Put(n.recordedAs())
}

// inWorkerNode returns the context for the items of a worker, which the calling goroutine
// is: that of the nursery, or the node of the worker. supply names what gives the items.
func (n *Nursery) inWorkerNode(fn any, supply string) context.Context {
	if !record.Active() {
		return n.ctx
	}
	node := record.New(record.Item, n.ctx, n.recordedAs(), supply, fn)
	node.Begin(record.Idle)
	tree.Link(node)
	node.Enter()
	return node
}

// exitNode is exit for a task whose context may be a node.
func (n *Nursery) exitNode(ctx context.Context, share int64) {
	record.EndContext(ctx)
	n.exit(share)
}
