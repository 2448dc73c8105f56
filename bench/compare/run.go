package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/trellis-go/trellis/bench/internal/readme"
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
		return exitOK
	case err == nil && setBenchtime(o.benchtime) != nil:
		err = fmt.Errorf("-benchtime %s: want a time such as 20ms, or a number of runs such as 5x", o.benchtime)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "compare: %v\nRun compare -h for help.\n", err)
		return exitUsage
	}
	selected := p.selected(o)
	if len(selected) == 0 {
		return p.complain(exitUsage, fmt.Errorf("-run %s: nothing has such a name", o.run))
	}
	var plot io.Writer
	if o.update != "" {
		if err := readme.Check(o.update, block); err != nil {
			return p.complain(exitFailed, err)
		}
	}
	if o.plot != "" {
		// Opened before the minutes of work that it would be a pity to lose.
		file, err := os.Create(o.plot)
		if err != nil {
			return p.complain(exitFailed, err)
		}
		defer file.Close()
		plot = file
	}

	all, err := p.rounds(ctx, selected, o.rounds)
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return p.complain(exitFailed, err)
	}
	r := newReport(all, o, interrupted)
	if err := p.publish(r, o, plot); err != nil {
		return p.complain(exitFailed, err)
	}
	if interrupted {
		return exitInterrupted
	}
	return exitOK
}

// block is the name of the text in a document that -update replaces.
const block = "compare"

// publish prints a report and writes the files that o asks for. plot may be nil.
func (p *program) publish(r *report, o options, plot io.Writer) error {
	if err := p.print(r, o); err != nil {
		return err
	}
	if plot != nil {
		if err := drawPlot(plot, r); err != nil {
			return fmt.Errorf("%s: %w", o.plot, err)
		}
	}
	switch {
	case o.update == "":
		return nil
	case r.Interrupted:
		fmt.Fprintf(p.stderr, "compare: interrupted, so %s stays as it is\n", o.update)
		return nil
	}
	return readme.Update(o.update, block, markdown(r))
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

func (p *program) print(r *report, o options) error {
	switch {
	case o.markdown:
		_, err := io.WriteString(p.stdout, markdown(r))
		return err
	case !o.json:
		return writeTable(p.stdout, r)
	}
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "\t")
	return e.Encode(r)
}
