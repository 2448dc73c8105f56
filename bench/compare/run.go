package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

// A program is compare with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	workloads      func(workload.Config) []workload.Workload
	measure        func(w *workload.Workload, e workload.Entrant) (sample, error)
}

// run executes one command line and returns the exit code. Canceling ctx is the
// interruption.
func (p *program) run(ctx context.Context, args []string) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(p.stdout, usage())
		return command.ExitOK
	case err == nil && setBenchtime(o.benchtime) != nil:
		err = fmt.Errorf("-benchtime %s: want a time such as 20ms, or a number of runs such as 5x", o.benchtime)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "compare: %v\nRun compare -h for help.\n", err)
		return command.ExitUsage
	}
	selected := p.selected(o)
	if len(selected) == 0 {
		return p.complain(command.ExitUsage, fmt.Errorf("-run %s: nothing has such a name", o.run))
	}
	if err := o.output.Open(); err != nil {
		return p.complain(command.ExitFailed, err)
	}
	defer o.output.Close()

	all, err := p.rounds(ctx, selected, o.rounds)
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return p.complain(command.ExitFailed, err)
	}
	r := newReport(all, o, interrupted)
	if err := errors.Join(o.output.Publish(p.stdout, p.stderr, r, interrupted), o.output.Close()); err != nil {
		return p.complain(command.ExitFailed, err)
	}
	if interrupted {
		return command.ExitInterrupted
	}
	return command.ExitOK
}

func (p *program) complain(code int, err error) int {
	fmt.Fprintf(p.stderr, "compare: %v\n", err)
	return code
}

func (p *program) selected(o options) []workload.Workload {
	var selected []workload.Workload
	for _, w := range p.workloads(workload.Config{Full: o.full}) {
		if o.run.MatchString(w.Name) {
			selected = append(selected, w)
		}
	}
	return selected
}
