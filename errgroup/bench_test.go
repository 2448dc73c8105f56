package errgroup_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	xsync "golang.org/x/sync/errgroup"

	"github.com/trellis-go/trellis/errgroup"
)

var benchmarkSizes = []int{1, 10, 100, 1000, 10_000}

// Each package alone: a group, its context, and tasks that do nothing.
func BenchmarkGroup(b *testing.B) {
	for _, tasks := range benchmarkSizes {
		b.Run(fmt.Sprintf("lib=trellis/tasks=%d", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				runTrellis(b, tasks)
			}
		})
		b.Run(fmt.Sprintf("lib=xsync/tasks=%d", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				runXSync(b, tasks)
			}
		})
	}
}

// Both packages in turns, so that what disturbs one disturbs the other. The metric ratio
// is the median, over pairs of rounds, of the time of this package by the time of x/sync.
func BenchmarkBesideXSync(b *testing.B) {
	for _, tasks := range benchmarkSizes {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			// A round is long enough for the clock, whatever the number of tasks is.
			repeat := max(1, 2000/tasks)
			round := func(run func(testing.TB, int)) time.Duration {
				begin := time.Now()
				for range repeat {
					run(b, tasks)
				}
				return time.Since(begin)
			}
			var ratios []float64
			for b.Loop() {
				var mine, other time.Duration
				if len(ratios)%2 == 0 {
					mine, other = round(runTrellis), round(runXSync)
				} else {
					other, mine = round(runXSync), round(runTrellis)
				}
				ratios = append(ratios, float64(mine)/float64(other))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
		})
	}
}

func runTrellis(tb testing.TB, tasks int) {
	g, _ := errgroup.WithContext(tb.Context())
	for range tasks {
		g.Go(succeed)
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
}

func runXSync(tb testing.TB, tasks int) {
	g, _ := xsync.WithContext(tb.Context())
	for range tasks {
		g.Go(succeed)
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
}
