package serve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

const (
	// maxNames bounds the names in one log line.
	maxNames = 10
	// maxPath is how many names a path has at most, those nearest to the task.
	maxPath = 3
)

// names returns what runs inside root, the node of a nursery: what has nothing else inside
// it, by the names around it, the oldest first; each only once, with the number and the age
// of the oldest. Background tasks, which wait for the others, are left out unless they are
// all there is. count is how many there are.
func names(root *record.Node) (list []string, count int) {
	if root == nil {
		return nil, 0
	}
	tasks, background := leaves(root)
	if len(tasks) == 0 {
		tasks = background
	}
	slices.SortFunc(tasks, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.start, b.start), strings.Compare(a.path, b.path))
	})
	var oldest []leaf
	same := make(map[string]int)
	for _, l := range tasks {
		if same[l.path]++; same[l.path] == 1 {
			oldest = append(oldest, l)
		}
	}
	for i, l := range oldest {
		if i == maxNames {
			list = append(list, fmt.Sprintf("and %d more", len(oldest)-i))
			break
		}
		text := l.path
		if n := same[l.path]; n > 1 {
			text = fmt.Sprintf("%s × %d", text, n)
		}
		list = append(list, fmt.Sprintf("%s (%v)", text, rounded(time.Since(record.Time(l.start)))))
	}
	return list, len(tasks)
}

// A leaf is a node that has no others inside.
type leaf struct {
	path  string
	start int64 // on the clock of package record
}

// leaves returns the leaves inside root, those that are inside background tasks apart. If
// there is nothing inside, it is the body of the nursery that runs.
func leaves(root *record.Node) (tasks, background []leaf) {
	all := record.All()
	inner := make(map[*record.Node]bool) // has others inside
	for _, n := range all {
		if !n.Hidden() {
			if p := around(n); p != nil {
				inner[p] = true
			}
		}
	}
	for _, n := range all {
		if n.Hidden() || inner[n] {
			continue
		}
		path, inside, isBackground := pathOf(n, root)
		switch {
		case !inside:
		case isBackground:
			background = append(background, leaf{path, n.Start()})
		default:
			tasks = append(tasks, leaf{path, n.Start()})
		}
	}
	if len(tasks) == 0 && root.View().Over.IsZero() {
		tasks = append(tasks, leaf{"body", root.Start()})
	}
	return tasks, background
}

// around returns the node around n that lives and is shown, nil if there is none.
func around(n *record.Node) *record.Node {
	for n = n.Parent(); n != nil && (!n.Lives() || n.Hidden()); {
		n = n.Parent()
	}
	return n
}

// pathOf returns the names from root, which is left out, down to n. inside reports whether
// n is inside root, and background whether it is inside a background task there.
func pathOf(n, root *record.Node) (path string, inside, background bool) {
	var parts []string
	function := ""
	for at := n; at != root; at = around(at) {
		if at == nil {
			return "", false, false
		}
		v := at.View()
		background = background || v.Kind == record.Background
		name := v.Name
		if v.Kind == record.Item && v.Item != record.Source && v.Func != 0 {
			name = record.FuncName(v.Func) // the other one is of what supplies the items
		}
		if name != "" && len(parts) < maxPath {
			parts = append(parts, name)
		}
		if function == "" && v.Func != 0 {
			function = record.FuncName(v.Func)
		}
	}
	if n == root {
		return "", false, false
	}
	if len(parts) == 0 {
		parts = []string{cmp.Or(function, "scope")}
	}
	slices.Reverse(parts)
	return strings.Join(parts, " > "), true, background
}

// rounded returns d for readers.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Minute:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
