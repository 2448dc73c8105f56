package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/trellis-go/trellis/bench/internal/command"
)

const usageHead = `Usage: compare [-rounds N] [-benchtime TIME] [-run REGEXP] [-full]
               [-json | -markdown] [-plot FILE.svg] [-update FILE.md]

Compare measures what groups of tasks, loops, cancel scopes and channels cost with
Trellis and with others: raw (the go statement), errgroup, semaphore, conc, pond,
ants, workerpool, multierror, and std (contexts and channels of Go itself). In each
round every library does every piece of work once, in an order that changes from
round to round, so that a busy machine troubles all of them alike.

It prints a table. For each library: the median over the rounds of the time that
one unit of the work takes; half of the range that the middle half of the rounds
lies in, as a percentage of that; the median of allocations and bytes for a unit;
and the median of the ratios, round by round, to the library that the others are
compared with. For Trellis also the goal for that ratio, and whether it is met.
A goal that is missed has its explanation below. The last line is "N goals, M met"; a
goal that was not measured is not met.

Only the ratios mean anything on another machine. While compare works, a terminal
on standard error shows how far it is. At Ctrl-C it stops and prints what it has;
a second Ctrl-C ends it at once.

Flags:
`

const usageTail = `
Exit codes:
  0    everything was measured, whether or not the goals are met
  1    a library did not do its work, or the output could not be written
  2    the command line is wrong
  130  interrupted by SIGINT or SIGTERM

Examples:
  compare -run '^children/'
  compare -rounds 30 -benchtime 100ms -plot ratios.svg >table.txt
  compare -rounds 30 -plot ratios.svg -update README.md
`

// options is a command line.
type options struct {
	rounds    int
	benchtime string
	run       *regexp.Regexp
	full      bool
	output    command.Output
}

func newFlags(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run decides where messages go
	flags.IntVar(&o.rounds, "rounds", 10, "measure everything `N` times")
	flags.StringVar(&o.benchtime, "benchtime", "20ms", "repeat the work for this `TIME` in each measurement, or so many times, as in 5x")
	flags.Func("run", "measure only what has a name that matches `REGEXP`; the table shows the names", func(text string) (err error) {
		o.run, err = regexp.Compile(text)
		return err
	})
	flags.BoolVar(&o.full, "full", false, "give loops 100,000 items also where each takes time, instead of 10,000")
	o.output.Name = "compare"
	o.output.Define(flags)
	return flags
}

// parse reads a command line. The error is [flag.ErrHelp] for -h.
func parse(args []string) (options, error) {
	o := options{run: regexp.MustCompile("")}
	flags := newFlags(&o)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1:
		return o, fmt.Errorf("-rounds %d: must be at least 1", o.rounds)
	}
	return o, o.output.Check()
}

// usage returns the text of -h.
func usage() string {
	var b strings.Builder
	b.WriteString(usageHead)
	flags := newFlags(new(options))
	flags.SetOutput(&b)
	flags.PrintDefaults()
	b.WriteString(usageTail)
	return b.String()
}
