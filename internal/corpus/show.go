package corpus

import (
	"fmt"
	"strings"
)

// Show renders a program and, side by side, what it did and what it should
// have done, with the differences marked. It is empty where they agree.
func Show(c *Case, got *Outcome) string {
	diffs := Diff(c.Flavor, got, c.Expect)
	if len(diffs) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (line %d, %s): %d differences, first: %s\n",
		c.ID, c.Line, c.Flavor, len(diffs), diffs[0])
	b.WriteString(c.Program.String())
	showTraces(&b, c.Flavor, got, c.Expect)
	for _, d := range diffs {
		if !strings.HasPrefix(d.Where, "task ") && d.Where != "problem" {
			fmt.Fprintf(&b, "! %s\n", d)
		}
	}
	if got.Problem != "" {
		fmt.Fprintf(&b, "! %s\n", got.Problem)
	}
	return b.String()
}

// showTraces writes the records of each task as two columns.
func showTraces(b *strings.Builder, flavor Flavor, got, want *Outcome) {
	width := len("got")
	for _, events := range got.Trace {
		for _, e := range events {
			width = max(width, len(e.String()))
		}
	}
	for _, task := range unionKeys(got.Trace, want.Trace) {
		fmt.Fprintf(b, "  task %s\n    %-*s  | want\n", task, width, "got")
		for _, p := range pairs(got.Trace[task], want.Trace[task]) {
			mark := "   "
			if !p.same(flavor) {
				mark = "  !"
			}
			g, w := p.strings()
			fmt.Fprintf(b, "%s %-*s  | %s\n", mark, width, g, w)
		}
	}
}

// String renders the operations as an indented tree.
func (p *Program) String() string {
	var b strings.Builder
	showOps(&b, p.Main, "  ")
	return b.String()
}

func showOps(b *strings.Builder, ops []*Op, indent string) {
	for _, o := range ops {
		fmt.Fprintf(b, "%s%s\n", indent, o)
		showOps(b, o.Body, indent+"  ")
		if o.Op == "finally" {
			fmt.Fprintf(b, "%scleanup\n", indent)
			showOps(b, o.Cleanup, indent+"  ")
		}
	}
}

// String renders the operation without the operations inside it.
func (o *Op) String() string {
	s := fmt.Sprintf("n%d %s", o.N, o.Op)
	for _, f := range []string{o.ID, o.In, o.Task, o.Ev, o.Err} {
		if f != "" {
			s += " " + f
		}
	}
	switch {
	case o.D != nil:
		s += fmt.Sprintf(" d=%d", *o.D)
	case o.Op == "deadline":
		s += " d=none"
	}
	switch o.Op {
	case "started":
		s += fmt.Sprintf(" v=%d", o.V)
	case "shield":
		s += fmt.Sprintf(" on=%t", o.On)
	}
	if o.Shield {
		s += " shielded"
	}
	return s
}
