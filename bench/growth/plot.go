package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/trellis-go/trellis/bench/internal/chart"
	"github.com/trellis-go/trellis/bench/internal/curve"
	"github.com/trellis-go/trellis/bench/internal/figures"
)

const (
	columns     = 3
	panelWidth  = 10 * vg.Centimeter
	panelHeight = 5 * vg.Centimeter
	margin      = 0.3 * vg.Centimeter
	gap         = 0.5 * vg.Centimeter
	around      = 2 * vg.Centimeter // for the title and the legend
)

// Plot writes an SVG with a panel for each table.
func (r *report) Plot(w io.Writer) error {
	var panels []*plot.Plot
	names := r.libraries()
	for _, g := range r.Graphs {
		for _, cost := range g.Costs {
			if p, err := g.panel(cost, names); err != nil {
				return err
			} else if p != nil {
				panels = append(panels, p)
			}
		}
	}
	if len(panels) == 0 {
		return errors.New("nothing was measured that could be plotted")
	}
	tiles := draw.Tiles{Cols: min(columns, len(panels)), PadX: gap, PadY: gap}
	tiles.Rows = (len(panels) + tiles.Cols - 1) / tiles.Cols
	return chart.Write(w, panelWidth*vg.Length(tiles.Cols), panelHeight*vg.Length(tiles.Rows)+around, func(c draw.Canvas) {
		c = draw.Crop(c, margin, -margin, margin, -margin)
		c = r.legend(c, names)
		grid := make([][]*plot.Plot, tiles.Rows)
		for i := range grid {
			grid[i] = make([]*plot.Plot, tiles.Cols)
			copy(grid[i], panels[i*tiles.Cols:])
		}
		for i, row := range plot.Align(grid, tiles, c) {
			for j, canvas := range row {
				if p := grid[i][j]; p != nil {
					p.Draw(canvas)
				}
			}
		}
	})
}

func (r *report) legend(c draw.Canvas, names []string) draw.Canvas {
	title := chart.Text(11, true)
	title.YAlign = draw.YTop
	c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y}, fmt.Sprintf("What one of many costs: medians of %d rounds, %s %s, GOMAXPROCS %d", r.Rounds, r.Go, r.System, r.Threads))
	c.Max.Y -= 18
	var entries []chart.Entry
	for i, name := range names {
		entries = append(entries, chart.Entry{Name: name, Style: chart.Style(i)})
	}
	return chart.Legend(c, entries)
}

// libraries returns the names of all libraries, of Trellis first.
func (r *report) libraries() []string {
	names := []string{"trellis"}
	for _, g := range r.Graphs {
		for _, l := range g.Lines {
			if !slices.Contains(names, l.Lib) {
				names = append(names, l.Lib)
			}
		}
	}
	return names
}

// panel returns the plot of one of the costs, nil if nothing was measured.
func (g graph) panel(cost curve.Cost, names []string) (*plot.Plot, error) {
	p := chart.New()
	p.Title.Text = g.Title
	p.Title.TextStyle.Font.Size = 9
	p.X.Label.Text = g.Size
	p.Y.Label.Text = fmt.Sprintf("%s per %s", cost, g.Unit)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = sizeTicks(g.Sizes)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = chart.Faint, chart.Faint
	p.Add(grid)
	var first, last, low, high float64            // of all points
	for i, name := range slices.Backward(names) { // Trellis above the others
		points := g.points(cost, name)
		if len(points) == 0 {
			continue
		}
		for _, point := range points {
			if first == 0 {
				first, low = point.X, point.Y
			}
			first, last = min(first, point.X), max(last, point.X)
			low, high = min(low, point.Y), max(high, point.Y)
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		marks.GlyphStyle = chart.Style(i)
		line.Color = marks.Color
		p.Add(line, marks)
	}
	if high == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = first*0.8, last*1.25
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = chart.Ticks{Most: 5, Format: func(v float64) string { return short(cost, v) }}
	// What is flat has to look flat, so that not even noise fills the panel.
	p.Y.Min, p.Y.Max = min(low/2, high/20), high*2
	return p, nil
}

// points returns what can stand on a logarithmic axis.
func (g graph) points(cost curve.Cost, lib string) plotter.XYs {
	var points plotter.XYs
	for _, size := range g.Sizes {
		if v := g.cost(cost, lib, size); v > 0 {
			points = append(points, plotter.XY{X: float64(size), Y: v})
		}
	}
	return points
}

func sizeTicks(sizes []int) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, size := range sizes {
		label := figures.Thousands(size)
		switch {
		case size >= 1_000_000:
			label = figures.Thousands(size/1_000_000) + "M"
		case size >= 1000:
			label = figures.Thousands(size/1000) + "k"
		}
		ticks = append(ticks, plot.Tick{Value: float64(size), Label: label})
	}
	return ticks
}

// short writes a figure at an axis.
func short(cost curve.Cost, v float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	if cost == curve.Memory {
		units = []string{"B", "kB", "MB", "GB"}
	}
	for v >= 1000 && len(units) > 1 {
		v, units = v/1000, units[1:]
	}
	return chart.Plain(v) + " " + units[0]
}
