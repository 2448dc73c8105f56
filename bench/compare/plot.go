package main

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The looks of the plot, of Trellis first. The colors are told apart also by people who
// do not see red and green.
var (
	colors = []color.Color{
		color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
		color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
		color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
		color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
		color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
		color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff},
		color.RGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff},
	}
	shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}}

	faint = color.Gray{Y: 0xdd}
)

const (
	plotWidth = 24 * vg.Centimeter
	rowHeight = 0.55 * vg.Centimeter
	around    = 4 * vg.Centimeter // for the title and the axis
)

// drawPlot writes an SVG in which each workload has a line, and each library a mark on it
// where its ratio is.
func drawPlot(w io.Writer, r *report) error {
	var rows []row
	for _, row := range slices.Backward(r.Rows) { // the first one is to be on top
		if slices.ContainsFunc(row.Libs, func(l lib) bool { return l.Ratio > 0 }) {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return errors.New("no ratio was measured that could be plotted")
	}
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Time taken, as a ratio to errgroup or std (1): medians of %d rounds\n%s %s, GOMAXPROCS %d", r.Rounds, r.Go, r.System, r.Threads)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = ratioTicks{}
	p.Legend.Top = true

	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, faint
	p.Add(grid)
	if err := addMarks(p, rows); err != nil {
		return err
	}
	var titles []string
	for _, row := range rows {
		titles = append(titles, row.Title)
	}
	p.NominalY(titles...)
	p.Y.Min, p.Y.Max = -0.7, float64(len(rows))-0.3
	p.X.Max *= 4 // for the legend

	image, err := p.WriterTo(plotWidth, rowHeight*vg.Length(len(rows))+around, "svg")
	if err != nil {
		return err
	}
	_, err = image.WriteTo(w)
	return err
}

// addMarks adds the marks of the libraries and those of the goals.
func addMarks(p *plot.Plot, rows []row) error {
	var names []string
	points := make(map[string]plotter.XYs)
	var goals plotter.XYs
	for y, row := range slices.Backward(rows) {
		for _, l := range row.Libs {
			if l.Ratio <= 0 {
				continue
			}
			if !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
			}
			points[l.Name] = append(points[l.Name], plotter.XY{X: l.Ratio, Y: float64(y)})
		}
		for _, v := range row.Goals {
			if v.Of == "" {
				goals = append(goals, plotter.XY{X: v.Max, Y: float64(y)})
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	marks := make([]*plotter.Scatter, len(names))
	for i, name := range names {
		style := draw.GlyphStyle{Color: colors[i%len(colors)], Shape: shapes[i%len(shapes)], Radius: vg.Points(3.5)}
		m, err := scatter(points[name], style)
		if err != nil {
			return err
		}
		marks[i] = m
		p.Legend.Add(name, m)
	}
	for _, m := range slices.Backward(marks) { // Trellis above the others
		p.Add(m)
	}
	if len(goals) == 0 {
		return nil
	}
	m, err := scatter(goals, draw.GlyphStyle{Color: colors[0], Shape: bar{}, Radius: vg.Points(6)})
	if err == nil {
		p.Add(m)
		p.Legend.Add("goal", m)
	}
	return err
}

// rank puts Trellis first.
func rank(name string) int {
	if name == own {
		return 0
	}
	return 1
}

func scatter(points plotter.XYs, style draw.GlyphStyle) (*plotter.Scatter, error) {
	s, err := plotter.NewScatter(points)
	if err != nil {
		return nil, err
	}
	s.GlyphStyle = style
	return s, nil
}

// bar is the mark of a goal: the mark of Trellis is to be left of it.
type bar struct{}

func (bar) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.StrokeLine2(draw.LineStyle{Color: style.Color, Width: vg.Points(1.5)}, at.X, at.Y-style.Radius, at.X, at.Y+style.Radius)
}

// ratioTicks are 1, 2 and 5 in each power of ten.
type ratioTicks struct{}

func (ratioTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if v := digit * power; low <= v && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 3, 64)})
			}
		}
	}
	return ticks
}
