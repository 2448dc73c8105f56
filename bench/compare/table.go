package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/trellis-go/trellis/bench/internal/figures"
)

// WriteTable prints the report for people.
func (r *report) WriteTable(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s, GOMAXPROCS %d, %d rounds of %s\n", r.Go, r.System, r.Threads, r.Rounds, r.Benchtime)
	if len(r.Modules) > 0 {
		fmt.Fprintln(&b, strings.Join(r.Modules, ", "))
	}
	if r.Interrupted {
		fmt.Fprintln(&b, "Interrupted: this is what had been measured.")
	}
	b.WriteByte('\n')
	cells(&b, "", "time", "±", "allocs", "bytes", "ratio", "goal", "")
	told := make(map[string]string) // the row with which a reason was given
	for _, row := range r.Rows {
		writeRow(&b, row)
		writeReasons(&b, row, told)
	}
	fmt.Fprintf(&b, "\n%d goals, %d met\n", r.Goals, r.Met)
	_, err := w.Write(b.Bytes())
	return err
}

func writeRow(b *bytes.Buffer, row row) {
	fmt.Fprintf(b, "\n%s, per %s [%s]\n", row.Title, row.Unit, row.Name)
	var here, elsewhere []verdict
	for _, v := range row.Goals {
		if v.Of == "" {
			here = append(here, v)
		} else {
			elsewhere = append(elsewhere, v)
		}
	}
	for _, l := range row.Libs {
		goal, met := "", ""
		if l.Name == own && len(here) > 0 {
			goal, met = limit(here[0]), here[0].outcome()
			here = here[1:]
		}
		cells(b, l.Name, figures.Duration(l.Time), figures.Percent(l.Spread), figures.Amount(l.Allocs), figures.Amount(l.Bytes), figures.Factor(l.Ratio), goal, met)
	}
	for _, v := range here { // there was no line to say it on
		cells(b, own, "", "", "", "", figures.Factor(v.Ratio), limit(v), v.outcome())
	}
	for _, v := range elsewhere {
		// As wide as the cells up to the ratio.
		fmt.Fprintf(b, "  %-53s", "of "+v.Against+" in "+v.Of)
		tail(b, figures.Factor(v.Ratio), limit(v), v.outcome())
	}
}

// writeReasons says why the goals of a row were missed, once for each reason.
func writeReasons(b *bytes.Buffer, row row, told map[string]string) {
	for _, v := range row.Goals {
		if v.Why == "" {
			continue
		}
		why := v.Why
		if first, ok := told[why]; ok && why != unexplained {
			why = "as in " + first
		} else {
			told[why] = row.Name
		}
		b.WriteString(wrapped("missed "+limit(v)+": "+why, "    ", 90))
	}
}

// wrapped returns text in lines of at most so many characters, each indented.
func wrapped(text, indent string, width int) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(indent+line+" "+word) > width {
			b.WriteString(indent + line + "\n")
			line = ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	if line != "" {
		b.WriteString(indent + line + "\n")
	}
	return b.String()
}

// cells prints one line of the table.
func cells(b *bytes.Buffer, name, time, spread, allocs, bytes, ratio, goal, met string) {
	fmt.Fprintf(b, "  %-12s %10s %6s %10s %11s", name, time, spread, allocs, bytes)
	tail(b, ratio, goal, met)
}

func tail(b *bytes.Buffer, ratio, goal, met string) {
	line := fmt.Sprintf(" %7s  %-7s %s", ratio, goal, met)
	b.WriteString(strings.TrimRight(line, " "))
	b.WriteByte('\n')
}

func limit(v verdict) string { return "≤ " + fmt.Sprint(v.Max) }
