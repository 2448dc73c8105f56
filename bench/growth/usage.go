package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"

	"github.com/trellis-go/trellis/bench/internal/command"
)

const usageHead = `Usage: growth [-rounds N] [-run REGEXP] [-max N] [-json | -markdown]
              [-plot FILE.svg] [-update FILE.md]

Growth measures how costs grow: for 1 to 1,000,000 children and scopes, in scopes 1 to
1,000 deep, with 1 to 16 threads, and what a nursery holds after 100 million children.
Beside Trellis it measures errgroup, std (the contexts of the standard library) and raw
(the go statement, without scopes).

It prints a table for each piece of work: what one child, scope or call costs, a column
for each size, medians over the rounds; and what became of the goals of Trellis there.
Times depend on the machine; what they do from left to right does not. The last line
is "N goals, M met"; a goal that was not measured is not met.

Each measurement has a process of its own, because what the runtime has made for a
million goroutines it keeps. All sizes together take a quarter of an hour and 4 GB of
memory. While growth works, a terminal on standard error shows how far it is. At
Ctrl-C it stops and prints what it has; a second Ctrl-C ends it at once.

Flags:
`

const usageTail = `
Exit codes:
  0    everything was measured, whether or not the goals are met
  1    a measurement failed, or the output could not be written
  2    the command line is wrong
  130  interrupted by SIGINT or SIGTERM

Examples:
  growth -run '^depth/'
  growth -max 10000 -rounds 1
  growth -plot growth.svg -update README.md
`

// options is a command line.
type options struct {
	rounds int
	run    *regexp.Regexp
	max    int
	sample string // "": all of them
	output command.Output
}

func newFlags(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run decides where messages go
	flags.IntVar(&o.rounds, "rounds", 3, "measure everything `N` times")
	flags.Func("run", "measure only what has a name that matches `REGEXP`; the tables show the names", func(text string) (err error) {
		o.run, err = regexp.Compile(text)
		return err
	})
	flags.IntVar(&o.max, "max", math.MaxInt, "leave out sizes above `N`")
	flags.Lookup("max").DefValue = "0" // says nothing in the text of -h
	flags.StringVar(&o.sample, "sample", "", "take one measurement, in this process, and print it as JSON:\n`NAME,LIBRARY,SIZE`, such as children/work=wait,trellis,1000 (for profiling)")
	o.output.Name = "growth"
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
	case o.max < 1:
		return o, fmt.Errorf("-max %d: must be at least 1", o.max)
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
