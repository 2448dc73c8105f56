package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trellis-go/trellis/bench/internal/figures"
)

// Markdown returns the report as tables for a document.
func (r *report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, GOMAXPROCS %d, medians of %d rounds.\n", r.Go, r.System, r.Threads, r.Rounds)
	if r.Interrupted {
		b.WriteString("\nInterrupted: this is what had been measured.\n")
	}
	for _, g := range r.Graphs {
		for _, cost := range g.Costs {
			head := []string{fmt.Sprintf("%s: %s per %s; %s:", g.Title, cost, g.Unit, g.Size)}
			for _, size := range g.Sizes {
				head = append(head, figures.Thousands(size))
			}
			b.WriteByte('\n')
			tableLine(&b, head)
			rule := slices.Repeat([]string{"---:"}, len(head))
			rule[0] = "---"
			b.WriteString("|" + strings.Join(rule, "|") + "|\n")
			for _, l := range g.Lines {
				tableLine(&b, append([]string{l.Lib}, g.cells(l.Lib, cost)...))
			}
		}
		for _, v := range g.Goals {
			fmt.Fprintf(&b, "\nGoal: %s: %s.\n", v.Text, v.text())
		}
	}
	fmt.Fprintf(&b, "\n%d goals, %d met.\n", r.Goals, r.Met)
	return b.String()
}

func tableLine(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
