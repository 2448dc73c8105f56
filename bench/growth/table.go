package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/trellis-go/trellis/bench/internal/curve"
	"github.com/trellis-go/trellis/bench/internal/figures"
)

// WriteTable prints the report for people.
func (r *report) WriteTable(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s, GOMAXPROCS %d, %d rounds\n", r.Go, r.System, r.Threads, r.Rounds)
	if r.Interrupted {
		fmt.Fprintln(&b, "Interrupted: this is what had been measured.")
	}
	for _, g := range r.Graphs {
		for _, cost := range g.Costs {
			writeGraph(&b, g, cost)
		}
		for _, v := range g.Goals {
			fmt.Fprintf(&b, "  %s: %s\n", v.Text, v.text())
		}
	}
	fmt.Fprintf(&b, "\n%d goals, %d met\n", r.Goals, r.Met)
	_, err := w.Write(b.Bytes())
	return err
}

func writeGraph(b *bytes.Buffer, g graph, cost curve.Cost) {
	fmt.Fprintf(b, "\n%s: %s per %s [%s]\n", g.Title, cost, g.Unit, g.Name)
	cells := []string{}
	for _, size := range g.Sizes {
		cells = append(cells, figures.Thousands(size))
	}
	writeCells(b, g.Size, cells)
	for _, l := range g.Lines {
		writeCells(b, l.Lib, g.cells(l.Lib, cost))
	}
}

func writeCells(b *bytes.Buffer, name string, cells []string) {
	line := fmt.Sprintf("  %-10s", name)
	for _, c := range cells {
		line += fmt.Sprintf(" %11s", c)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// cells returns the figures of a library at all sizes, in words.
func (g graph) cells(lib string, cost curve.Cost) []string {
	var cells []string
	for _, size := range g.Sizes {
		cells = append(cells, in(cost, g.cost(cost, lib, size)))
	}
	return cells
}

// in writes a figure with its unit.
func in(cost curve.Cost, v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case cost == curve.Time:
		return figures.Duration(v)
	}
	return bytesOf(v) + " B"
}

// text is what became of a goal, with the numbers.
func (v verdict) text() string {
	text := fmt.Sprintf("≤ %v %s", v.Max, v.outcome())
	if !v.Measured {
		return text
	}
	if v.Cost == curve.Memory {
		return bytesOf(v.Value) + " " + text
	}
	return figures.Factor(v.Value) + " " + text
}

// bytesOf writes a number of bytes. The zero that is added makes 0 of -0.
func bytesOf(v float64) string { return figures.Amount(math.Round(v) + 0) }
