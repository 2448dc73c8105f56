package curve_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/curve"
)

// Each entrant of each curve does its work, of small sizes, and says what it costs.
func TestMeasure(t *testing.T) {
	for _, c := range curve.All() {
		for _, e := range c.Entrants {
			t.Run(c.Name+"/lib="+e.Lib, func(t *testing.T) {
				for _, size := range []int{1, 100} {
					s, err := e.Measure(size)
					if err != nil {
						t.Errorf("Measure(%d) gave %v, want nil", size, err)
					}
					if slices.Contains(c.Costs, curve.Time) && s.Time <= 0 {
						t.Errorf("Measure(%d) gave a time of %v, want more than none", size, s.Time)
					}
				}
			})
		}
	}
}

// A goroutine has a stack, and so has whatever waits in one.
func TestMemory(t *testing.T) {
	for _, c := range curve.All() {
		if !slices.Contains(c.Costs, curve.Memory) || c.Once {
			continue
		}
		for _, e := range c.Entrants {
			const size = 5000
			s, err := e.Measure(size)
			if err != nil || s.Memory < 500 || s.Memory > 20_000 {
				t.Errorf("%s with %s, Measure(%d) gave %v bytes and %v, want some thousand", c.Name, e.Lib, size, s.Memory, err)
			}
		}
	}
}

// Names are good for -run, and everything that goals refer to exists.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range curve.All() {
		if seen[c.Name] || c.Name == "" || strings.ContainsAny(c.Name, " ,\t") {
			t.Errorf("the name %q is empty, or not the only one, or has a space or a comma", c.Name)
		}
		seen[c.Name] = true
		if c.Title == "" || c.Size == "" || c.Unit == "" || len(c.Costs) == 0 || len(c.Sizes) < 2 || !slices.IsSorted(c.Sizes) {
			t.Errorf("%s: title %q, size %q, unit %q, costs %v, sizes %v, want all of them, and ascending sizes", c.Name, c.Title, c.Size, c.Unit, c.Costs, c.Sizes)
		}
		for _, g := range c.Goals {
			asked := make(map[string]bool)
			value := g.Value(c.Sizes, func(lib string, size int) float64 {
				asked[lib] = true
				if !c.Shows(g.Cost, size) {
					t.Errorf("%s: the goal %q needs the %s at size %d, which says nothing", c.Name, g.Text, g.Cost, size)
				}
				return 100
			})
			if math.IsNaN(value) || !asked["trellis"] {
				t.Errorf("%s: the goal %q gives %v without asking for trellis, want a number", c.Name, g.Text, value)
			}
			for lib := range asked {
				if !slices.ContainsFunc(c.Entrants, func(e curve.Entrant) bool { return e.Lib == lib }) {
					t.Errorf("%s: the goal %q needs %s, which is no entrant", c.Name, g.Text, lib)
				}
			}
		}
	}
}

// What the goals are about: made up costs that grow in some way.
func TestGoals(t *testing.T) {
	constant := func(float64) float64 { return 100 }
	slightly := func(n float64) float64 { return 100 + math.Log10(n) }
	linear := func(n float64) float64 { return 100 * n }
	for _, c := range []struct {
		name        string
		own, others func(size float64) float64
		want        string // the texts of the goals that are missed
	}{
		{"children/work=nothing", constant, constant, ""},
		{"children/work=nothing", slightly, constant, ""},
		{"children/work=nothing", slightly, slightly, ""},
		{"children/work=nothing", linear, linear, ""},
		{"children/work=nothing", linear, slightly, "growth from 1,000 on, as a ratio to that of raw"},
		{"children/work=wait", func(float64) float64 { return 164 }, constant, ""},
		{"children/work=wait", func(float64) float64 { return 165 }, constant, "bytes more than raw, the last one"},
		{"threads", slightly, constant, ""},
		{"threads", linear, constant, "the last one, as a ratio to errgroup"},
		{"depth/call=Err", constant, constant, ""},
		{"depth/call=Err", slightly, constant, ""},
		{"depth/call=Err", linear, linear, "the last one, as a ratio to the first one"},
		{"lifetime", constant, constant, ""},
		{"lifetime", linear, linear, "bytes more after the most children than after the fewest"},
	} {
		all := curve.All()
		i := slices.IndexFunc(all, func(a curve.Curve) bool { return a.Name == c.name })
		if i < 0 {
			t.Fatalf("no curve has the name %s", c.name)
		}
		var missed []string
		for _, g := range all[i].Goals {
			value := g.Value(all[i].Sizes, func(lib string, size int) float64 {
				if lib == "trellis" {
					return c.own(float64(size))
				}
				return c.others(float64(size))
			})
			if !(value <= g.Max) {
				missed = append(missed, g.Text)
			}
		}
		if got := strings.Join(missed, "; "); got != c.want {
			t.Errorf("%s: missed %q, want %q", c.name, got, c.want)
		}
	}
}

// A goal is not judged by halves.
func TestGoalsNotMeasured(t *testing.T) {
	for _, c := range curve.All() {
		for _, g := range c.Goals {
			for what, cost := range map[string]func(lib string, size int) float64{
				"nothing": func(string, int) float64 { return math.NaN() },
				"no last size": func(_ string, size int) float64 {
					if size == c.Sizes[len(c.Sizes)-1] {
						return math.NaN()
					}
					return 1
				},
				"nothing of trellis": func(lib string, _ int) float64 {
					if lib == "trellis" {
						return math.NaN()
					}
					return 1
				},
			} {
				if got := g.Value(c.Sizes, cost); !math.IsNaN(got) {
					t.Errorf("%s: with %s, the goal %q gives %v, want none", c.Name, what, g.Text, got)
				}
			}
		}
	}
}
