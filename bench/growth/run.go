package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/curve"
	"github.com/trellis-go/trellis/bench/internal/figures"
	"github.com/trellis-go/trellis/bench/internal/progress"
)

// A program is growth with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	curves         func() []curve.Curve
	sample         func(ctx context.Context, t task) (curve.Sample, error)
}

// run executes one command line and returns the exit code. Canceling ctx is the
// interruption.
func (p *program) run(ctx context.Context, args []string) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(p.stdout, usage())
		return command.ExitOK
	case err != nil:
		fmt.Fprintf(p.stderr, "growth: %v\nRun growth -h for help.\n", err)
		return command.ExitUsage
	case o.sample != "":
		return p.one(o.sample)
	}
	selected := p.selected(o)
	if len(selected) == 0 {
		return p.complain(command.ExitUsage, fmt.Errorf("-run %s: nothing has such a name", o.run))
	}
	if err := o.output.Open(); err != nil {
		return p.complain(command.ExitFailed, err)
	}
	defer o.output.Close()

	samples, err := p.rounds(ctx, selected, o.rounds)
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return p.complain(command.ExitFailed, err)
	}
	r := newReport(selected, samples, o.rounds, interrupted)
	if err := errors.Join(o.output.Publish(p.stdout, p.stderr, r, interrupted), o.output.Close()); err != nil {
		return p.complain(command.ExitFailed, err)
	}
	if interrupted {
		return command.ExitInterrupted
	}
	return command.ExitOK
}

// one takes one measurement and prints it.
func (p *program) one(text string) int {
	t, err := parseTask(text)
	if err != nil {
		return p.complain(command.ExitUsage, err)
	}
	s, err := t.here(p.curves())
	if errors.Is(err, errNoTask) {
		return p.complain(command.ExitUsage, err)
	}
	if err == nil {
		err = json.NewEncoder(p.stdout).Encode(s)
	}
	if err != nil {
		return p.complain(command.ExitFailed, err)
	}
	return command.ExitOK
}

func (p *program) complain(code int, err error) int {
	fmt.Fprintf(p.stderr, "growth: %v\n", err)
	return code
}

// selected returns the curves to measure, without sizes that are too great.
func (p *program) selected(o options) []curve.Curve {
	var selected []curve.Curve
	for _, c := range p.curves() {
		c.Sizes = slices.DeleteFunc(slices.Clone(c.Sizes), func(size int) bool { return size > o.max })
		if o.run.MatchString(c.Name) && len(c.Sizes) > 0 {
			selected = append(selected, c)
		}
	}
	return selected
}

// rounds takes all measurements, round by round, until it is done or ctx is; then it
// returns what it has with an error.
func (p *program) rounds(ctx context.Context, curves []curve.Curve, count int) (map[task][]curve.Sample, error) {
	steps := 0
	for round := range count {
		steps += len(tasks(curves, round))
	}
	bar := progress.New(p.stderr, steps)
	defer bar.Clear()
	samples := make(map[task][]curve.Sample)
	for round := range count {
		for _, t := range tasks(curves, round) {
			bar.Show(fmt.Sprintf("round %d/%d %-36s %-8s %11s", round+1, count, t.curve, t.lib, figures.Thousands(t.size)))
			if err := ctx.Err(); err != nil {
				return samples, err
			}
			s, err := p.sample(ctx, t)
			if err != nil {
				return samples, err
			}
			samples[t] = append(samples[t], s)
			bar.Step()
		}
	}
	return samples, nil
}

// tasks returns the measurements of a round: of each size those of all entrants, who
// take turns in being the first.
func tasks(curves []curve.Curve, round int) []task {
	var all []task
	for _, c := range curves {
		if c.Once && round > 0 {
			continue
		}
		for again := range 1 + c.Repeat {
			for _, size := range c.Sizes {
				for i := range c.Entrants {
					all = append(all, task{c.Name, c.Entrants[(i+round+again)%len(c.Entrants)].Lib, size})
				}
			}
		}
	}
	return all
}
