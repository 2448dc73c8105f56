package main

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/trellis-go/trellis/bench/internal/chart"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

const (
	columnWidth = 16 * vg.Centimeter
	rowHeight   = 0.44 * vg.Centimeter
	around      = 3.2 * vg.Centimeter // for the title, the legend and the axis
	margin      = 0.3 * vg.Centimeter
	gap         = 0.8 * vg.Centimeter
)

// Plot writes an SVG in which each workload has a line, and each library a mark on
// it where its ratio is. What is compared with errgroup is on the left.
func (r *report) Plot(w io.Writer) error {
	var columns [][]row
	for _, sections := range [][]string{{workload.Groups, workload.Loops}, {workload.Scopes, workload.Channels}} {
		var rows []row
		for _, row := range r.Rows {
			if slices.Contains(sections, row.Section) && slices.ContainsFunc(row.Libs, func(l lib) bool { return l.Ratio > 0 }) {
				rows = append(rows, row)
			}
		}
		if len(rows) > 0 {
			columns = append(columns, rows)
		}
	}
	if len(columns) == 0 {
		return errors.New("no ratio was measured that could be plotted")
	}
	names := libraries(columns)
	lines := 0
	var plots []*plot.Plot
	for _, rows := range columns {
		p, count, err := column(rows, names)
		if err != nil {
			return err
		}
		lines = max(lines, count)
		plots = append(plots, p)
	}
	for _, p := range plots {
		p.Y.Min = 0.3 - float64(lines) // the shorter column ends where it ends
	}
	width, height := columnWidth*vg.Length(len(plots)), rowHeight*vg.Length(lines)+around
	return chart.Write(w, width, height, func(c draw.Canvas) {
		c = draw.Crop(c, margin, -margin, margin, -margin)
		c = legend(c, r, names)
		tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: gap}
		for i, p := range plots {
			p.Draw(tiles.At(c, i, 0))
		}
	})
}

// legend draws what stands above the columns, and returns what is left below.
func legend(c draw.Canvas, r *report, names []string) draw.Canvas {
	title := chart.Text(11, true)
	title.YAlign = draw.YTop
	c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y}, "Time taken, as a ratio to errgroup or the standard library (1): less is better")
	c.Max.Y -= 18
	small := chart.Text(9, false)
	small.YAlign = draw.YTop
	c.FillText(small, vg.Point{X: c.Min.X, Y: c.Max.Y}, fmt.Sprintf("Medians of %d rounds, %s %s, GOMAXPROCS %d", r.Rounds, r.Go, r.System, r.Threads))
	c.Max.Y -= 18
	var entries []chart.Entry
	for i, name := range names {
		entries = append(entries, chart.Entry{Name: name, Style: chart.Style(i)})
	}
	entries = append(entries, chart.Entry{Name: "goal of trellis, met by what is left of it", Style: goalStyle})
	return chart.Legend(c, entries)
}

// libraries returns the names of all libraries, of Trellis first.
func libraries(columns [][]row) []string {
	names := []string{own}
	for _, rows := range columns {
		for _, row := range rows {
			for _, l := range row.Libs {
				if !slices.Contains(names, l.Name) {
					names = append(names, l.Name)
				}
			}
		}
	}
	return names
}

// column returns a plot of rows, under a line for each section, and how many lines
// there are. Lines count downwards from 0.
func column(rows []row, names []string) (*plot.Plot, int, error) {
	p := chart.New()
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = chart.Ticks{Most: 12, Format: chart.Plain}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = chart.Faint, chart.Faint
	p.Add(grid, one{})
	var (
		ticks  []plot.Tick
		heads  headings
		points = make([]plotter.XYs, len(names))
		goals  plotter.XYs
		y      = 0
	)
	for i, row := range rows {
		if i == 0 || rows[i-1].Section != row.Section {
			heads = append(heads, heading{float64(y), fmt.Sprintf("%s, beside %s", row.Section, row.Against)})
			y--
		}
		ticks = append(ticks, plot.Tick{Value: float64(y), Label: row.Title})
		for _, l := range row.Libs {
			if i := slices.Index(names, l.Name); l.Ratio > 0 {
				points[i] = append(points[i], plotter.XY{X: l.Ratio, Y: float64(y)})
			}
		}
		for _, v := range row.Goals {
			if v.Of == "" {
				goals = append(goals, plotter.XY{X: v.Max, Y: float64(y)})
			}
		}
		y--
	}
	if err := addMarks(p, goals, goalStyle); err != nil {
		return nil, 0, err
	}
	for i := range slices.Backward(names) { // Trellis above the others
		if err := addMarks(p, points[i], chart.Style(i)); err != nil {
			return nil, 0, err
		}
	}
	p.Add(heads)
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Y.Max = 0.5
	p.X.Min, p.X.Max = p.X.Min*0.8, p.X.Max*1.25
	return p, -y, nil
}

func addMarks(p *plot.Plot, points plotter.XYs, style draw.GlyphStyle) error {
	if len(points) == 0 {
		return nil
	}
	s, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	s.GlyphStyle = style
	p.Add(s)
	return nil
}

// one is a line where the ratio is 1.
type one struct{}

func (one) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: color.Gray{Y: 0x90}, Width: vg.Points(0.75)}, x(1), c.Min.Y, x(1), c.Max.Y)
}

// A heading is the name of a section, on a line of its own.
type heading struct {
	y    float64
	text string
}

type headings []heading

func (h headings) Plot(c draw.Canvas, p *plot.Plot) {
	style := chart.Text(9, true)
	style.YAlign = draw.YCenter
	_, y := p.Transforms(&c)
	for _, head := range h {
		at := vg.Point{X: c.Min.X, Y: y(head.y)}
		// On white, so that no line goes through the text.
		c.SetColor(color.White)
		c.Fill(vg.Rectangle{
			Min: vg.Point{X: c.Min.X, Y: at.Y - rowHeight/2},
			Max: vg.Point{X: c.Max.X, Y: at.Y + rowHeight/2},
		}.Path())
		c.FillText(style, at, head.text)
	}
}

// goalStyle is the mark of a goal: the mark of Trellis is to be left of it.
var goalStyle = draw.GlyphStyle{Color: chart.Own, Shape: bar{}, Radius: vg.Points(5)}

type bar struct{}

func (bar) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.StrokeLine2(draw.LineStyle{Color: style.Color, Width: vg.Points(1.5)}, at.X, at.Y-style.Radius, at.X, at.Y+style.Radius)
}
