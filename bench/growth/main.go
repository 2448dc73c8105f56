// Growth measures how the costs of Trellis grow: with more children, scopes, levels
// and threads, and over the life of a nursery. Run it with -h for its flags.
//
//   - usage.go: the command line;
//   - run.go: what a run consists of, and how it ends;
//   - sample.go: one measurement, in a process of its own;
//   - report.go: medians, and the verdicts on the goals;
//   - table.go, markdown.go, plot.go: what comes out, besides JSON.
//
// The work and the goals are in package curve. What is shared with the compare command
// is in packages peer, command, figures, chart, progress and readme.
package main

import (
	"context"
	"os"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/curve"
)

func main() { command.Main(run) }

func run(ctx context.Context, args []string) int {
	p := &program{
		stdout: os.Stdout,
		stderr: os.Stderr,
		curves: curve.All,
		sample: apart,
	}
	return p.run(ctx, args)
}
