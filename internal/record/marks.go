package record

import (
	"context"
	"runtime/trace"
)

// The keys of the labels for profiles.
const (
	taskLabel    = "task"
	nurseryLabel = "nursery"
)

// enterTrace begins the trace task of a nursery, or the region of a task, if an execution
// trace is being taken.
func (n *Node) enterTrace() {
	if !trace.IsEnabled() {
		return
	}
	m := n.mark()
	if n.isNursery() {
		m.values, m.task = trace.NewTask(n.values(), n.title())
	} else {
		m.region = trace.StartRegion(n.values(), n.title())
	}
}

// enterLabels sets the labels of the calling goroutine. What the labels were is restored by
// leave from the context, as runtime/pprof.Do does.
func (n *Node) enterLabels(labels Labeler) {
	m := n.mark()
	before := n.values()
	if n.isNursery() {
		m.values = labels.Labeled(before, nurseryLabel, n.path())
		m.reset = func() { labels.Set(before) }
	} else {
		m.values = labels.Labeled(before, taskLabel, n.title())
	}
	labels.Set(m.values)
}

// leave ends what enterTrace and enterLabels began.
func (n *Node) leave() {
	m := n.marks
	if m == nil {
		return
	}
	if m.region != nil {
		m.region.End()
		m.region = nil
	}
	if m.task != nil {
		m.task.End()
		m.task = nil
	}
	if m.reset != nil {
		m.reset()
		m.reset = nil
	}
}

// mark returns the marks, and makes them if there are none.
func (n *Node) mark() *marks {
	if n.marks == nil {
		n.marks = new(marks)
	}
	return n.marks
}

// values returns the context that has the marks set so far.
func (n *Node) values() context.Context {
	if n.marks != nil && n.marks.values != nil {
		return n.marks.values
	}
	return n.inside
}

func (n *Node) isNursery() bool { return Kind(n.kind.Load()) == Nursery }

// title is what the node is called in profiles and traces.
func (n *Node) title() string {
	switch {
	case n.name != "" && (n.Kind() != Item || n.fn == 0): // that of a worker is of what supplies the items
		return n.name
	case n.fn != 0:
		return FuncName(n.fn)
	case n.call != 0:
		return Title(CalledFunc(n.call))
	}
	return Title("")
}

// maxPath is how many names a path has at most, those nearest to the node.
const maxPath = 8

// path returns the names of the nurseries around the node and its own, separated by slashes.
func (n *Node) path() string {
	path := n.title()
	for p, names := n.parent.Load(), 1; p != nil && names < maxPath; p = p.parent.Load() {
		if p.isNursery() {
			path = p.title() + "/" + path
			names++
		}
	}
	return path
}
