package tasktree

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// suspicious reports whether find would find anything. It does not make a tree, which takes
// a quarter of a kilobyte for each node, because most of the time there is nothing.
func (w *watcher) suspicious() bool {
	s := collect()
	s.order()
	s.report(new(Tree))
	for i := range s.entries {
		e := &s.entries[i]
		if w.o.Canceled >= 0 && e.report != none && s.reports[e.report].Cause != nil {
			return true
		}
		if w.o.Waiting > 0 && !e.node.View().Over.IsZero() {
			return true
		}
	}
	return false
}

// find returns what could be stalls, late or not, by what they are, and forgets what has
// ended.
func (w *watcher) find(t *Tree) map[stallKey]*Stall {
	found := make(map[stallKey]*Stall)
	first, waiting := make(map[uint64]moment), make(map[uint64]sameTasks)
	var path []*Node
	var canceled []moment // of the nodes in path
	for depth, n := range t.All() {
		path, canceled = append(path[:depth], n), append(canceled[:depth], moment{})
		outer := path[:depth]
		if n.Canceled != nil && w.o.Canceled >= 0 {
			at := w.canceledAt(n, t.Taken)
			canceled[depth] = at
			if _, known := w.first[n.ID]; known || n.Canceled.Since.IsZero() {
				first[n.ID] = at
			}
			if depth == 0 || outer[depth-1].Canceled == nil || at.apart(canceled[depth-1]) {
				found[stallKey{StallCanceled, n.ID}] = newStall(StallCanceled, n, outer, at.latest, t)
			}
		} else if w.o.Waiting > 0 && (n.State == StateWaiting || !n.WaitingSince.IsZero()) {
			same := w.sameTasks(n, t.Taken)
			waiting[n.ID] = same
			found[stallKey{StallWaiting, n.ID}] = newStall(StallWaiting, n, outer, same.since, t)
		}
	}
	w.first, w.waiting = first, waiting
	return found
}

// canceledAt says when a canceled node was canceled. If the node does not know, it was after the
// last look at which it was not canceled. That stays the answer if the scope notices its
// cancellation later, so that a stall that has been reported is not taken for another one.
func (w *watcher) canceledAt(n *Node, now time.Time) moment {
	if known, ok := w.first[n.ID]; ok {
		return known
	}
	if since := n.Canceled.Since; !since.IsZero() {
		return moment{since, since}
	}
	return moment{w.looked, now}
}

// A moment is when something happened: between these times, which may be equal.
type moment struct{ earliest, latest time.Time }

// apart reports whether a node was canceled before and not together with the one around it.
// What is canceled together does not get its times at exactly the same moment.
func (m moment) apart(outer moment) bool {
	return outer.earliest.Sub(m.latest) > 100*time.Millisecond
}

// sameTasks says since when a nursery waits for the tasks that it has now.
func (w *watcher) sameTasks(n *Node, now time.Time) sameTasks {
	tasks := n.awaited()
	ids := make([]uint64, len(tasks))
	for i, c := range tasks {
		ids[i] = c.ID
	}
	slices.Sort(ids)
	known, ok := w.waiting[n.ID]
	switch {
	case ok && slices.Equal(known.ids, ids):
		return known
	case ok || n.WaitingSince.IsZero():
		return sameTasks{ids, now}
	}
	since := n.WaitingSince
	for _, c := range tasks {
		if c.Since.After(since) {
			since = c.Since
		}
	}
	return sameTasks{ids, since}
}

// awaited returns the tasks that a nursery waits for. Its background tasks are not among
// them: they wait for it.
func (n *Node) awaited() []*Node {
	return slices.DeleteFunc(slices.Clone(n.Children), func(c *Node) bool { return c.Kind == KindBackground })
}

func newStall(kind StallKind, n *Node, outer []*Node, since time.Time, t *Tree) *Stall {
	s := &Stall{Kind: kind, Node: n, Since: since, Noticed: t.Taken, outer: slices.Clone(outer)}
	s.Lasted = t.Taken.Sub(since)
	return s
}

// late reports whether a stall has lasted for its limit.
func (s *Stall) late(o WatchOptions) bool {
	if s.Kind == StallCanceled {
		return s.Lasted >= o.Canceled
	}
	return s.Lasted >= o.Waiting
}

// inOrder returns the keys of what was found, the longest stall first.
func inOrder(found map[stallKey]*Stall) []stallKey {
	return slices.SortedFunc(maps.Keys(found), func(a, b stallKey) int {
		return cmp.Or(found[a].Since.Compare(found[b].Since), cmp.Compare(a.id, b.id), cmp.Compare(a.kind, b.kind))
	})
}
