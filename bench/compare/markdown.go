package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trellis-go/trellis/bench/internal/figures"
)

// Markdown returns the report as tables for a document, one for each section, with the
// other libraries side by side.
func (r *report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, GOMAXPROCS %d, medians of %d rounds of %s; %s.\n", r.Go, r.System, r.Threads, r.Rounds, r.Benchtime, strings.Join(r.Modules, ", "))
	if r.Interrupted {
		b.WriteString("\nInterrupted: this is what had been measured.\n")
	}
	for i := 0; i < len(r.Rows); {
		rows := r.Rows[i:]
		if n := slices.IndexFunc(rows, func(row row) bool { return row.Section != rows[0].Section }); n > 0 {
			rows = rows[:n]
		}
		markdownSection(&b, rows)
		i += len(rows)
	}
	fmt.Fprintf(&b, "\n%d goals, %d met.", r.Goals, r.Met)
	if r.Met < r.Goals {
		b.WriteString(" The others:\n\n")
		markdownMisses(&b, r)
	} else {
		b.WriteByte('\n')
	}
	return b.String()
}

// markdownSection writes the table of rows that are compared with the same library.
func markdownSection(b *strings.Builder, rows []row) {
	against := rows[0].Against
	var others []string
	for _, row := range rows {
		for _, l := range row.Libs {
			if l.Name != own && l.Name != against && !slices.Contains(others, l.Name) {
				others = append(others, l.Name)
			}
		}
	}
	head := append([]string{rows[0].Section, "Trellis", "±", "allocs", "bytes", against, "ratio", "goal", ""}, others...)
	b.WriteByte('\n')
	tableLine(b, head)
	rule := slices.Repeat([]string{"---:"}, len(head))
	rule[0], rule[8] = "---", "---"
	b.WriteString("|" + strings.Join(rule, "|") + "|\n")
	for _, row := range rows {
		markdownRow(b, row, others)
	}
}

func markdownRow(b *strings.Builder, row row, others []string) {
	cells := []string{fmt.Sprintf("%s, per %s", row.Title, row.Unit), "", "", "", "", "", "", "", ""}
	if l, ok := row.lib(own); ok {
		copy(cells[1:], []string{figures.Duration(l.Time), figures.Percent(l.Spread), figures.Amount(l.Allocs), figures.Amount(l.Bytes)})
		cells[6] = figures.Factor(l.Ratio)
	}
	if l, ok := row.lib(row.Against); ok {
		cells[5] = figures.Duration(l.Time)
	}
	for _, v := range row.Goals {
		if v.Of == "" {
			cells[7], cells[8] = limit(v), v.outcome()
		}
	}
	for _, other := range others {
		l, _ := row.lib(other)
		cells = append(cells, figures.Factor(l.Ratio))
	}
	tableLine(b, cells)
	for _, v := range row.Goals {
		if v.Of != "" {
			line := slices.Repeat([]string{""}, len(cells))
			line[0] = fmt.Sprintf("the same, beside %s in `%s`", v.Against, v.Of)
			line[6], line[7], line[8] = figures.Factor(v.Ratio), limit(v), v.outcome()
			tableLine(b, line)
		}
	}
}

// markdownMisses lists the goals that are not met, those with the same reason together.
func markdownMisses(b *strings.Builder, r *report) {
	var reasons []string
	missed := make(map[string][]string) // titles, by the reason
	for _, row := range r.Rows {
		for _, v := range row.Goals {
			if v.Met {
				continue
			}
			why, title := v.Why, fmt.Sprintf("%s (%s, goal %s)", row.Title, figures.Factor(v.Ratio), limit(v))
			if why == "" {
				why, title = v.outcome(), row.Title
			}
			if missed[why] == nil {
				reasons = append(reasons, why)
			}
			missed[why] = append(missed[why], title)
		}
	}
	for _, why := range reasons {
		fmt.Fprintf(b, "- %s: %s.\n", strings.Join(missed[why], "; "), strings.TrimRight(why, "."))
	}
}

func tableLine(b *strings.Builder, cells []string) {
	b.WriteByte('|')
	for _, c := range cells {
		b.WriteString(" " + strings.ReplaceAll(c, "|", `\|`) + " |")
	}
	b.WriteByte('\n')
}

// lib returns the library of that name.
func (r row) lib(name string) (lib, bool) {
	for _, l := range r.Libs {
		if l.Name == name {
			return l, true
		}
	}
	return lib{}, false
}
