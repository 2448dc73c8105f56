package tasktree_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/tasktree"
)

// recorded runs test in a bubble, as a subtest, while recording is on.
func recorded(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			defer tasktree.Record()()
			test(t)
		})
	})
}

// wait returns when ctx is done, with its error.
func wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// lines returns the text of the tree without the first line, and without places: the lines
// of the tests move.
func lines(tree *tasktree.Tree) string {
	var out strings.Builder
	tree.WriteText(&out, 200) // no name is cut
	_, text, _ := strings.Cut(out.String(), "\n")
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range all {
		if at := strings.LastIndex(line, " tasktree/"); at >= 0 {
			line = line[:at]
		}
		all[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(all, "\n")
}

// checkLines compares the text of the tree with what is wanted, which begins with a line
// break.
func checkLines(t *testing.T, tree *tasktree.Tree, want string) {
	t.Helper()
	checkText(t, lines(tree), want)
}

func checkText(t *testing.T, text, want string) {
	t.Helper()
	if got := "\n" + text; got != want {
		t.Errorf("the tree is%s\n\nwant%s", got, want)
	}
}

// find returns the only node with that name.
func find(t *testing.T, tree *tasktree.Tree, name string) *tasktree.Node {
	t.Helper()
	var found *tasktree.Node
	for _, n := range tree.All() {
		if n.Name != name {
			continue
		}
		if found != nil {
			t.Fatalf("two nodes are called %q:\n%s", name, tree)
		}
		found = n
	}
	if found == nil {
		t.Fatalf("no node is called %q:\n%s", name, tree)
	}
	return found
}
