package tasktree

import (
	"bufio"
	"encoding/json"
	"io"
)

// WriteJSON writes the tree to w as one JSON object and a newline. It is what
// [encoding/json.Marshal] makes of the tree, but is written node by node, so that a large
// tree is not in memory twice. It returns the first error of w.
//
// [encoding/json.Unmarshal] makes the tree of it again.
func (t *Tree) WriteJSON(w io.Writer) error {
	out := bufio.NewWriter(w)
	head := *t
	head.Roots = []*Node{}
	if err := writeAround(out, &head, `[]}`); err != nil {
		return err
	}
	if err := writeNodes(out, t.Roots); err != nil {
		return err
	}
	out.WriteString("}\n") // its error, and those of other writes, are returned by Flush
	return out.Flush()
}

// writeAround writes v as JSON without its end.
func writeAround(out *bufio.Writer, v any, end string) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = out.Write(text[:len(text)-len(end)])
	return err
}

func writeNodes(out *bufio.Writer, nodes []*Node) error {
	out.WriteByte('[')
	for i, n := range nodes {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeNode(out, n); err != nil {
			return err
		}
	}
	return out.WriteByte(']')
}

func writeNode(out *bufio.Writer, n *Node) error {
	alone := *n
	alone.Children = nil
	if err := writeAround(out, &alone, "}"); err != nil {
		return err
	}
	if len(n.Children) > 0 {
		out.WriteString(`,"children":`)
		if err := writeNodes(out, n.Children); err != nil {
			return err
		}
	}
	return out.WriteByte('}')
}
