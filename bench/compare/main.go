// Compare measures Trellis beside other libraries and the standard library, all of
// them in turns, and prints a table of what came out and of the goals that it meets.
// Run it with -h for its flags.
//
//   - usage.go: the command line;
//   - run.go: what a run consists of, and how it ends;
//   - rounds.go and measure.go: who is measured when, and how;
//   - report.go: medians, ratios, and the verdicts on the goals;
//   - table.go, markdown.go, plot.go: what comes out, besides JSON.
//
// The work and the goals are in package workload, the libraries in package peer; what
// is shared with the growth command is in packages figures, chart, progress and readme.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/trellis-go/trellis/bench/internal/workload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	p := &program{
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		workloads: workload.All,
		measure:   measure,
	}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
