package main

import (
	"context"
	"fmt"

	"github.com/trellis-go/trellis/bench/internal/progress"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

// A series is what was measured of one workload.
type series struct {
	work    *workload.Workload
	samples [][]sample // by entrant, then by round; the last round may be incomplete
}

// rounds measures all entrants of all workloads, round by round, until it is done or
// ctx is; then it returns what it has with the error of ctx.
func (p *program) rounds(ctx context.Context, works []workload.Workload, count int) ([]series, error) {
	all := make([]series, len(works))
	steps := 0
	for i := range works {
		all[i] = series{&works[i], make([][]sample, len(works[i].Entrants))}
		steps += count * len(works[i].Entrants)
	}
	bar := progress.New(p.stderr, steps)
	defer bar.Clear()
	for round := range count {
		for _, s := range all {
			entrants := s.work.Entrants
			for i := range entrants {
				if err := ctx.Err(); err != nil {
					return all, err
				}
				// Each of them is the first one equally often, and after each other one: what
				// is left in the caches and the heap by one is found by the next.
				turn := (i + round) % len(entrants)
				bar.Show(fmt.Sprintf("round %d/%d %-36s %-11s", round+1, count, s.work.Name, entrants[turn].Lib))
				got, err := p.measure(s.work, entrants[turn])
				if err != nil {
					return all, err
				}
				s.samples[turn] = append(s.samples[turn], got)
				bar.Step()
			}
		}
	}
	return all, nil
}
