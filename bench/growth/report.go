package main

import (
	"math"
	"runtime"

	"github.com/trellis-go/trellis/bench/internal/curve"
	"github.com/trellis-go/trellis/bench/internal/figures"
)

// A report is what came out, and what is printed in one form or another.
type report struct {
	Go          string  `json:"go"`
	System      string  `json:"system"`
	Threads     int     `json:"gomaxprocs"`
	Rounds      int     `json:"rounds"`
	Interrupted bool    `json:"interrupted"`
	Graphs      []graph `json:"curves"`
	Goals       int     `json:"goals"`
	Met         int     `json:"met"`
}

// A graph is one curve.
type graph struct {
	Name  string       `json:"name"`
	Title string       `json:"title"`
	Size  string       `json:"size"`
	Unit  string       `json:"unit"`
	Sizes []int        `json:"sizes"`
	Costs []curve.Cost `json:"costs"`
	Lines []line       `json:"libraries"`
	Goals []verdict    `json:"goals,omitempty"`
}

// A line is one library in a graph.
type line struct {
	Lib    string  `json:"name"`
	Points []point `json:"points"` // without those not measured
}

// A point is one library at one size. Figures that say nothing are left out.
type point struct {
	Size    int            `json:"size"`
	Time    *float64       `json:"ns,omitempty"`    // medians
	Memory  *float64       `json:"bytes,omitempty"` //
	Samples []curve.Sample `json:"samples"`
}

// A verdict says what became of a goal.
type verdict struct {
	Text     string     `json:"text"`
	Cost     curve.Cost `json:"cost"`
	Max      float64    `json:"max"`
	Value    float64    `json:"value"` // if it was measured
	Measured bool       `json:"measured"`
	Met      bool       `json:"met"`
}

// outcome is what became of a goal, in words.
func (v verdict) outcome() string {
	switch {
	case !v.Measured:
		return "not measured"
	case v.Met:
		return "met"
	}
	return "missed"
}

func newReport(curves []curve.Curve, samples map[task][]curve.Sample, rounds int, interrupted bool) *report {
	r := &report{
		Go:          runtime.Version(),
		System:      runtime.GOOS + "/" + runtime.GOARCH,
		Threads:     runtime.GOMAXPROCS(0),
		Rounds:      rounds,
		Interrupted: interrupted,
	}
	for _, c := range curves {
		g := graph{Name: c.Name, Title: c.Title, Size: c.Size, Unit: c.Unit, Sizes: c.Sizes, Costs: c.Costs}
		for _, e := range c.Entrants {
			l := line{Lib: e.Lib}
			for _, size := range c.Sizes {
				if some := samples[task{c.Name, e.Lib, size}]; len(some) > 0 {
					l.Points = append(l.Points, newPoint(c, size, some))
				}
			}
			g.Lines = append(g.Lines, l)
		}
		for _, goal := range c.Goals {
			v := g.judge(goal)
			g.Goals = append(g.Goals, v)
			r.Goals++
			if v.Met {
				r.Met++
			}
		}
		r.Graphs = append(r.Graphs, g)
	}
	return r
}

func newPoint(c curve.Curve, size int, samples []curve.Sample) point {
	p := point{Size: size, Samples: samples}
	middle := func(cost curve.Cost) *float64 {
		if !c.Shows(cost, size) {
			return nil
		}
		var all []float64
		for _, s := range samples {
			all = append(all, s.Of(cost))
		}
		return new(figures.Median(all))
	}
	p.Time, p.Memory = middle(curve.Time), middle(curve.Memory)
	return p
}

func (g graph) judge(goal curve.Goal) verdict {
	v := verdict{Text: goal.Text, Cost: goal.Cost, Max: goal.Max}
	value := goal.Value(g.Sizes, func(lib string, size int) float64 { return g.cost(goal.Cost, lib, size) })
	if v.Measured = !math.IsNaN(value); v.Measured {
		v.Value, v.Met = value, value <= goal.Max
	}
	return v
}

// cost returns a figure, and NaN if there is none.
func (g graph) cost(cost curve.Cost, lib string, size int) float64 {
	for _, l := range g.Lines {
		for _, p := range l.Points {
			if l.Lib != lib || p.Size != size {
				continue
			}
			if figure := p.of(cost); figure != nil {
				return *figure
			}
		}
	}
	return math.NaN()
}

func (p point) of(cost curve.Cost) *float64 {
	if cost == curve.Memory {
		return p.Memory
	}
	return p.Time
}
