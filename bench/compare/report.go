package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/trellis-go/trellis/bench/internal/figures"
	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

// own is the entrant that has goals.
const own = "trellis"

// A report is what came out, and what is printed in one form or another.
type report struct {
	Go          string   `json:"go"`
	System      string   `json:"system"`
	Threads     int      `json:"gomaxprocs"`
	Modules     []string `json:"modules"` // with their versions
	Rounds      int      `json:"rounds"`
	Benchtime   string   `json:"benchtime"`
	Full        bool     `json:"full"`
	Interrupted bool     `json:"interrupted"`
	Rows        []row    `json:"workloads"`
	Goals       int      `json:"goals"`
	Met         int      `json:"met"`
}

// A row is one workload.
type row struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	Section string    `json:"section"`
	Unit    string    `json:"unit"`
	Against string    `json:"against"`
	Libs    []lib     `json:"libraries"` // without those not measured
	Goals   []verdict `json:"goals,omitempty"`
}

// A lib is one library in a row. All figures but the samples are medians.
type lib struct {
	Name    string   `json:"name"`
	Time    float64  `json:"ns"` // for one unit, like the others
	Spread  float64  `json:"spread"`
	Allocs  float64  `json:"allocs"`
	Bytes   float64  `json:"bytes"`
	Ratio   float64  `json:"ratio,omitzero"` // 0: that of the row was not measured
	Samples []sample `json:"samples"`
}

// unexplained stands where nobody has said yet why a goal is missed.
const unexplained = "not explained yet"

// A verdict says what became of a goal.
type verdict struct {
	Max     float64 `json:"max"`
	Against string  `json:"against"`
	Of      string  `json:"of,omitzero"`    // the row of that library, if it is another one
	Ratio   float64 `json:"ratio,omitzero"` // 0: not measured
	Met     bool    `json:"met"`
	Why     string  `json:"why,omitzero"` // it was missed
}

// outcome is what became of a goal, in words.
func (v verdict) outcome() string {
	switch {
	case v.Ratio == 0:
		return "not measured"
	case v.Met:
		return "met"
	}
	return "missed"
}

func newReport(all []series, o options, interrupted bool) *report {
	r := &report{
		Go:          runtime.Version(),
		System:      runtime.GOOS + "/" + runtime.GOARCH,
		Threads:     runtime.GOMAXPROCS(0),
		Modules:     modules(),
		Rounds:      o.rounds,
		Benchtime:   o.benchtime,
		Full:        o.full,
		Interrupted: interrupted,
	}
	for _, s := range all {
		w := s.work
		row := row{Name: w.Name, Title: w.Title, Section: w.Section, Unit: w.Unit, Against: w.Against}
		for i, e := range w.Entrants {
			if len(s.samples[i]) > 0 {
				row.Libs = append(row.Libs, summary(e.Lib, s.samples[i], times(all, w.Name, w.Against)))
			}
		}
		for _, g := range w.Goals {
			v := judge(all, w.Name, g)
			row.Goals = append(row.Goals, v)
			r.Goals++
			if v.Met {
				r.Met++
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

func summary(name string, samples []sample, base []float64) lib {
	each := func(figure func(sample) float64) []float64 {
		var figures []float64
		for _, s := range samples {
			figures = append(figures, figure(s))
		}
		return figures
	}
	time := each(func(s sample) float64 { return s.Time })
	return lib{
		Name:    name,
		Time:    figures.Median(time),
		Spread:  figures.Spread(time),
		Allocs:  figures.Median(each(func(s sample) float64 { return s.Allocs })),
		Bytes:   figures.Median(each(func(s sample) float64 { return s.Bytes })),
		Ratio:   figures.Ratio(time, base),
		Samples: samples,
	}
}

func judge(all []series, name string, g workload.Goal) verdict {
	of := name
	if g.Of != "" {
		of = g.Of
	}
	v := verdict{Max: g.Max, Against: g.Against, Of: g.Of}
	v.Ratio = figures.Ratio(times(all, name, own), times(all, of, g.Against))
	v.Met = v.Ratio > 0 && v.Ratio <= v.Max
	if v.outcome() == "missed" {
		v.Why = cmp.Or(g.Why, unexplained)
	}
	return v
}

// times returns the times that an entrant took, round by round.
func times(all []series, name, lib string) []float64 {
	var times []float64
	for _, s := range all {
		for i, e := range s.work.Entrants {
			if s.work.Name == name && e.Lib == lib {
				for _, s := range s.samples[i] {
					times = append(times, s.Time)
				}
			}
		}
	}
	return times
}

// modules returns what takes part, as the build knows it.
func modules() []string {
	var found []string
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		if slices.Contains(peer.Modules, m.Path) {
			found = append(found, m.Path+" "+m.Version)
		}
	}
	return found
}
