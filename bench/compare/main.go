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
// is shared with the growth command is in packages command, figures, chart, progress
// and readme.
package main

import (
	"context"
	"os"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

func main() {
	command.Main(func(ctx context.Context, args []string) int {
		p := &program{
			stdout:    os.Stdout,
			stderr:    os.Stderr,
			workloads: workload.All,
			measure:   measure,
		}
		return p.run(ctx, args)
	})
}
