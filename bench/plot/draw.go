package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// libraries are drawn in this order, the last one above the others. Errgroup and std,
// never in one panel, look the same.
var libraries = []string{"raw", "std", "errgroup", "trellis"}

// styles are by the name of the file. The colors differ also without red and
// green, and the lines also without colors.
var styles = map[string]string{
	"growth.svg":      fmt.Sprintf(style, "#fff", "#1f2328", "#e2e5e9", "#009e73", "#0072b2", "#d55e00"),
	"growth-dark.svg": fmt.Sprintf(style, "#0d1117", "#e6edf3", "#2a3038", "#3fcf9f", "#5ab4f0", "#ff9248"),
}

const style = `<style>svg{background:%s;font:11px system-ui,sans-serif}text{fill:%s}.end{text-anchor:end}.middle{text-anchor:middle}` +
	`path{fill:none;stroke:%s}.raw{stroke:%s;stroke-dasharray:2 3}.std,.errgroup{stroke:%s;stroke-dasharray:6 3}.trellis{stroke:%s}` +
	`.raw,.std,.errgroup,.trellis{stroke-width:2}</style>` + "\n"

// In pixels.
const (
	columns = 3
	width   = 320 // of a panel with its labels
	height  = 180
	left    = 58 // of the lines, inside a panel
	right   = 14
	above   = 26
	below   = 24
	legend  = 30
)

// draw returns an SVG with the panels side by side.
func draw(panels []*panel, style string) []byte {
	var b bytes.Buffer
	rows := (len(panels) + columns - 1) / columns
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d">`+"\n", columns*width, rows*height+legend)
	b.WriteString(style)
	for i, lib := range slices.Backward(libraries) {
		x := left + 110*(len(libraries)-1-i)
		fmt.Fprintf(&b, `<path class="%s" d="M%d 18h26"/><text x="%d" y="22">%[1]s</text>`+"\n", lib, x, x+32)
	}
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*width, legend+i/columns*height)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws lines through the medians. Both axes are logarithmic.
func (p *panel) draw(b *bytes.Buffer) {
	most, low, high := 2, math.Inf(1), 0.0
	for _, sizes := range p.values {
		for n, values := range sizes {
			most, low, high = max(most, n), min(low, median(values)), max(high, median(values))
		}
	}
	// What is flat has to look flat: noise must not fill the panel.
	low, high = max(min(low/2, high/20), 1e-3), high*2
	x := func(n int) float64 {
		return left + (width-left-right)*math.Log(float64(n))/math.Log(float64(most))
	}
	y := func(v float64) float64 {
		return height - below - (height-above-below)*math.Log(max(v, low)/low)/math.Log(high/low)
	}
	fmt.Fprintf(b, `<text x="%d" y="16" font-weight="600">%s: %s</text>`+"\n", left, strings.ReplaceAll(p.what, "-", " "), drawn[p.unit])
	for power := math.Ceil(math.Log10(low)); power <= math.Log10(high); power++ {
		at := y(math.Pow(10, power))
		fmt.Fprintf(b, `<path d="M%d %.1fH%d"/><text x="%d" y="%.1f" class="end">%s</text>`+"\n", left, at, width-right, left-6, at+4, amount(int(power), p.unit))
	}
	factor := 10
	if most < 100 {
		factor = 2
	}
	for n := 1; n <= most; n *= factor {
		fmt.Fprintf(b, `<path d="M%.1f %dV%d"/><text x="%.1f" y="%d" class="middle">%s</text>`+"\n", x(n), above, height-below, x(n), height-8, short(n))
	}
	for _, lib := range libraries {
		if sizes := p.values[lib]; sizes != nil {
			command := "M"
			fmt.Fprintf(b, `<path class="%s" d="`, lib)
			for _, n := range slices.Sorted(maps.Keys(sizes)) {
				fmt.Fprintf(b, "%s%.1f %.1f", command, x(n), y(median(sizes[n])))
				command = "L"
			}
			b.WriteString(`"/>` + "\n")
		}
	}
}

// amount writes a power of ten of nanoseconds or bytes.
func amount(power int, unit string) string {
	steps := []string{"ns", "µs", "ms", "s"}
	if unit != "cpu-ns/op" {
		steps = []string{"B", "kB", "MB", "GB"}
	}
	step := min(max(power/3, 0), len(steps)-1)
	return fmt.Sprintf("%g %s", math.Pow10(power-3*step), steps[step])
}

// short writes thousands and millions with k and M.
func short(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}
