package tasktree

import (
	"cmp"
	"math"
	"slices"

	"github.com/trellis-go/trellis/internal/record"
)

// A snapshot is what [record.All] returned, as a tree. There may be a million entries, so
// they are small, and refer to each other by their index. The index none refers to nothing.
type snapshot struct {
	entries    []entry
	roots      []int32
	inOrder    []int32 // all that is shown: each after what is around it
	reports    []*report
	goroutines map[uint64]*Goroutine // nil unless stacks were asked for
}

type entry struct {
	node   *record.Node
	parent int32
	first  int32 // the first child
	next   int32 // the next sibling
	count  int32 // how many entries there are in it, with itself
	depth  int32 // how many entries are around it
	start  int64
	sig    uint64 // equal for entries that are alike, see sign
	report int32  // index of what is known about the scope, none if nothing is
}

const none = -1

// gone is the parent of an entry whose node has ended while the tree was made. It is not shown.
const gone = -2

// collect returns what lives. An entry is below the nearest node around it that lives.
func collect() *snapshot {
	s := new(snapshot)
	all := record.All()
	s.entries = make([]entry, 0, len(all))
	l := linker{snapshot: s, around: make(map[*record.Node]int32)}
	for _, n := range all {
		if n.Hidden() {
			continue
		}
		s.add(n)
		if p, _ := livingParent(n); p != nil {
			l.around[p] = none
		}
	}
	for i := range s.entries {
		if _, ok := l.around[s.entries[i].node]; ok {
			l.around[s.entries[i].node] = int32(i)
		}
	}
	whileCollecting()
	for i := 0; i < len(s.entries); i++ { // also those that are added on the way
		l.link(i)
	}
	for again := true; again; { // what is around an entry may have ended after it was linked
		again = false
		for i := 0; i < len(s.entries); i++ {
			if p := s.entries[i].parent; p >= 0 && s.entries[p].parent == gone {
				l.link(i)
				again = true
			}
		}
	}
	return s
}

// whileCollecting is called between the two times at which collect looks at what is around
// each node. Tests replace it.
var whileCollecting = func() {}

// A linker finds the parents of entries.
type linker struct {
	*snapshot
	around   map[*record.Node]int32 // the index of each node that is a parent, none if it is not known
	complete bool                   // around has all entries
}

// link sets the parent of an entry.
func (l *linker) link(i int) {
	p, lives := livingParent(l.entries[i].node)
	switch {
	case !lives:
		l.entries[i].parent = gone
		return
	case p == nil:
		l.entries[i].parent = none
		return
	}
	at, ok := l.around[p]
	if !ok && !l.complete { // it was not the parent before, because another one has ended since
		for i := range l.entries {
			l.around[l.entries[i].node] = int32(i)
		}
		l.complete = true
		at, ok = l.around[p]
	}
	if !ok || at == none { // it has begun since
		at = l.add(p)
		l.around[p] = at
	}
	l.entries[i].parent = at
}

func (s *snapshot) add(n *record.Node) int32 {
	start := n.Start()
	if n.Older() {
		start = math.MinInt64
	}
	s.entries = append(s.entries, entry{node: n, parent: none, first: none, next: none, report: none, start: start})
	return int32(len(s.entries) - 1)
}

// livingParent returns the nearest node around n that has not ended and is shown, and whether
// n had not ended when it was found.
//
// A node usually ends before what is around it does. So if something around n has ended, n may
// have been in it, unless n lives after that.
func livingParent(n *record.Node) (around *record.Node, lives bool) {
	for {
		first := n.Parent()
		p := first
		for p != nil && (!p.Lives() || p.Hidden()) {
			p = p.Parent()
		}
		if !n.Lives() {
			return p, false
		}
		if n.Parent() == first { // n has not moved to another nursery meanwhile
			return p, true
		}
	}
}

// restrict makes the entry of n the only root.
func (s *snapshot) restrict(n *record.Node) {
	for i := range s.entries {
		if s.entries[i].node == n {
			s.roots = []int32{int32(i)}
			return
		}
	}
	s.roots = []int32{} // not nil: nothing is shown
}

// withID returns the node with an ID, nil if it does not live.
func (s *snapshot) withID(id uint64) *record.Node {
	for i := range s.entries {
		if s.entries[i].node.ID() == id {
			return s.entries[i].node
		}
	}
	return nil
}

// order finds the children of each entry, the oldest first, and puts what can be reached
// from the roots in order.
func (s *snapshot) order() {
	sorted := make([]int32, len(s.entries))
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int {
		if order := cmp.Compare(s.entries[b].start, s.entries[a].start); order != 0 {
			return order
		}
		return cmp.Compare(s.entries[b].node.ID(), s.entries[a].node.ID())
	})
	all := s.roots == nil
	for _, i := range sorted { // the newest first, so that each list begins with the oldest
		e := &s.entries[i]
		switch {
		case e.parent == gone:
		case e.parent != none:
			e.next = s.entries[e.parent].first
			s.entries[e.parent].first = i
		case all:
			s.roots = append(s.roots, i)
		}
	}
	if all {
		slices.Reverse(s.roots)
	}
	s.inOrder = append(sorted[:0], s.roots...)
	for at := 0; at < len(s.inOrder); at++ {
		for child := s.entries[s.inOrder[at]].first; child != none; child = s.entries[child].next {
			s.entries[child].depth = s.entries[s.inOrder[at]].depth + 1
			s.inOrder = append(s.inOrder, child)
		}
	}
	for _, i := range slices.Backward(s.inOrder) {
		e := &s.entries[i]
		e.count++
		if e.parent >= 0 {
			s.entries[e.parent].count += e.count
		}
	}
}

// children calls f with each child of an entry, the oldest first.
func (s *snapshot) children(i int32, f func(child int32)) {
	for child := s.entries[i].first; child != none; child = s.entries[child].next {
		f(child)
	}
}
