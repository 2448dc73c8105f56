package main

import (
	"testing"

	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

// doctored returns the series of a workload with these times of entrants, by round.
func doctored(name, against string, goals []workload.Goal, entrants ...entrant) series {
	w := &workload.Workload{Name: name, Title: "title of " + name, Unit: "thing", Units: 1, Against: against, Goals: goals}
	s := series{work: w}
	for _, e := range entrants {
		w.Entrants = append(w.Entrants, workload.Entrant{Lib: e.lib})
		var samples []sample
		for _, time := range e.times {
			samples = append(samples, sample{Time: time, Allocs: 2 * time, Bytes: 3 * time})
		}
		s.samples = append(s.samples, samples)
	}
	return s
}

type entrant struct {
	lib   string
	times []float64
}

func TestReport(t *testing.T) {
	r := newReport([]series{
		doctored("a", "errgroup", []workload.Goal{{Max: 0.8, Against: "errgroup"}},
			entrant{"trellis", []float64{7, 8, 90}}, entrant{"errgroup", []float64{10, 10, 10}}),
		doctored("b", "std", []workload.Goal{{Max: 0.8, Against: "std"}, {Max: 1.25, Against: "trellis", Of: "a"}},
			entrant{"trellis", []float64{8.1, 8.1, 8.1}}, entrant{"std", []float64{10, 10, 10}}),
		doctored("c", "std", nil,
			entrant{"trellis", []float64{1}}, entrant{"std", []float64{2}}),
		doctored("d", "std", []workload.Goal{{Max: 9, Against: "std"}},
			entrant{"trellis", []float64{1}}, entrant{"std", nil}),
	}, options{rounds: 3, benchtime: "1x"}, true)

	if r.Goals != 4 || r.Met != 2 {
		t.Errorf("newReport gave %d goals and %d met, want 4 and 2", r.Goals, r.Met)
	}
	if !r.Interrupted || r.Rounds != 3 || r.Benchtime != "1x" {
		t.Errorf("newReport gave %+v, want an interrupted one of 3 rounds of 1x", r)
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"time of a", r.Rows[0].Libs[0].Time, 8},
		{"spread of a", r.Rows[0].Libs[0].Spread, 41.5 / 2 / 8},
		{"allocations of a", r.Rows[0].Libs[0].Allocs, 16},
		{"bytes of a", r.Rows[0].Libs[0].Bytes, 24},
		{"ratio of a", r.Rows[0].Libs[0].Ratio, 0.8},
		{"ratio of errgroup in a", r.Rows[0].Libs[1].Ratio, 1},
		{"first goal of b", r.Rows[1].Goals[0].Ratio, 0.81},
		{"second goal of b", r.Rows[1].Goals[1].Ratio, 8.1 / 8},
		{"ratio of c", r.Rows[2].Libs[0].Ratio, 0.5},
		{"ratio of d", r.Rows[3].Libs[0].Ratio, 0},
		{"goal of d", r.Rows[3].Goals[0].Ratio, 0},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
	for i, want := range map[int]string{0: "", 1: unexplained, 3: ""} {
		if got := r.Rows[i].Goals[0].Why; got != want {
			t.Errorf("row %d: why is %q, want %q", i, got, want)
		}
	}
	for _, c := range []struct {
		what      string
		got, want bool
	}{
		{"0.80 where 0.8 is allowed", r.Rows[0].Goals[0].Met, true},
		{"0.81 where 0.8 is allowed", r.Rows[1].Goals[0].Met, false},
		{"1.01 of another row where 1.25 is allowed", r.Rows[1].Goals[1].Met, true},
		{"nothing measured", r.Rows[3].Goals[0].Met, false},
	} {
		if c.got != c.want {
			t.Errorf("%s: met is %v, want %v", c.what, c.got, c.want)
		}
	}
	if got := len(r.Rows[3].Libs); got != 1 {
		t.Errorf("row d has %d libraries, want only the one that was measured", got)
	}
}

// The versions of all libraries come from the build.
func TestModules(t *testing.T) {
	if got, want := len(modules()), len(peer.Modules); got != want {
		t.Errorf("modules() = %v, want %d of them", modules(), want)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
