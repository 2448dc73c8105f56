package main

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/workload"
)

var everything = options{run: regexp.MustCompile("")}

// fake returns a program with two workloads of three and two entrants, which records
// who is measured. If stop is not nil, it is called before each measurement.
func fake(stop func(step int) error) (p *program, out, problems *strings.Builder, order *[]string) {
	out, problems, order = new(strings.Builder), new(strings.Builder), new([]string)
	works := []workload.Workload{{
		Name: "a", Title: "first", Section: workload.Groups, Unit: "group", Units: 1, Against: "errgroup",
		Goals:    []workload.Goal{{Max: 0.9, Against: "errgroup"}},
		Entrants: []workload.Entrant{{Lib: "trellis"}, {Lib: "raw"}, {Lib: "errgroup"}},
	}, {
		Name: "b", Title: "second", Section: workload.Scopes, Unit: "call", Units: 1, Against: "std",
		Goals:    []workload.Goal{{Max: 0.1, Against: "std"}},
		Entrants: []workload.Entrant{{Lib: "trellis"}, {Lib: "std"}},
	}}
	times := map[string]float64{"trellis": 80, "raw": 70, "errgroup": 100, "std": 100}
	return &program{stdout: out, stderr: problems, workloads: func(workload.Config) []workload.Workload { return works }, measure: func(w *workload.Workload, e workload.Entrant) (sample, error) {
		if stop != nil {
			if err := stop(len(*order)); err != nil {
				return sample{}, err
			}
		}
		*order = append(*order, w.Name+":"+e.Lib)
		return sample{Time: times[e.Lib], Allocs: 2, Bytes: 32}, nil
	}}, out, problems, order
}

// Each round has everything once, and begins with another library.
func TestRoundsTakeTurns(t *testing.T) {
	p, _, _, order := fake(nil)
	all, err := p.rounds(t.Context(), p.selected(everything), 3)
	want := []string{
		"a:trellis", "a:raw", "a:errgroup", "b:trellis", "b:std",
		"a:raw", "a:errgroup", "a:trellis", "b:std", "b:trellis",
		"a:errgroup", "a:trellis", "a:raw", "b:trellis", "b:std",
	}
	if err != nil || !slices.Equal(*order, want) {
		t.Errorf("rounds gave %v in the order\n%v, want\n%v", err, *order, want)
	}
	for _, s := range all {
		for i, samples := range s.samples {
			if len(samples) != 3 {
				t.Errorf("%s has %d samples of %s, want 3", s.work.Name, len(samples), s.work.Entrants[i].Lib)
			}
		}
	}
}

func TestRoundsEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, _, _, order := fake(func(step int) error {
		if step == 6 {
			cancel()
		}
		return nil
	})
	all, err := p.rounds(ctx, p.selected(everything), 3)
	if err != context.Canceled || len(*order) != 7 {
		t.Errorf("rounds gave %v after %d measurements, want %v after 7", err, len(*order), context.Canceled)
	}
	if got := len(all[0].samples[1]); got != 2 {
		t.Errorf("the library measured in the second round has %d samples, want 2", got)
	}
}

func TestRoundsEndWithAnError(t *testing.T) {
	failure := errors.New("lazy library")
	p, _, _, order := fake(func(step int) error {
		if step == 1 {
			return failure
		}
		return nil
	})
	if _, err := p.rounds(t.Context(), p.selected(everything), 3); err != failure || len(*order) != 1 {
		t.Errorf("rounds gave %v after %d measurements, want %v after 1", err, len(*order), failure)
	}
}
