package tasktree

import "iter"

// All returns an iterator over the nodes of the tree, each with its depth: 0 for the
// roots. A node comes before what is inside it. The iterator may be used again.
func (t *Tree) All() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) { walk(0, t.Roots, yield) }
}

func walk(depth int, nodes []*Node, yield func(int, *Node) bool) bool {
	for _, n := range nodes {
		if !yield(depth, n) || !walk(depth+1, n.Children, yield) {
			return false
		}
	}
	return true
}
