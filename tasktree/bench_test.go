package tasktree_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// modes are how recording may be.
var modes = []struct {
	name   string
	record func() (stop func())
}{
	{"off", func() func() { return func() {} }},
	{"on", tasktree.Record},
	{"labels", tasktree.Config{Labels: true}.Record},
}

// children runs a nursery with tasks that do nothing.
func children(ctx context.Context, tasks int) {
	nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for range tasks {
			n.Go(func(context.Context) error { return nil })
		}
		return nil
	})
}

// What a task costs: off, on, and on with labels.
func BenchmarkTasks(b *testing.B) {
	for _, tasks := range []int{0, 1, 100, 10_000} {
		for _, mode := range modes {
			b.Run(fmt.Sprintf("tasks=%d/recording=%s", tasks, mode.name), func(b *testing.B) {
				defer mode.record()()
				b.ReportAllocs()
				for b.Loop() {
					children(b.Context(), tasks)
				}
			})
		}
	}
}

// The same in turns, so that what disturbs one disturbs the others. Each metric is the
// median, over the rounds, of what recording adds to the time of a task.
func BenchmarkAddedByRecording(b *testing.B) {
	const tasks, repeat = 100, 20
	added := make([][]float64, len(modes))
	for b.Loop() {
		var took [3]time.Duration
		for i, mode := range modes {
			stop := mode.record()
			begin := time.Now()
			for range repeat {
				children(b.Context(), tasks)
			}
			took[i] = time.Since(begin)
			stop()
		}
		for i := range modes {
			added[i] = append(added[i], float64(took[i]-took[0])/(tasks*repeat))
		}
	}
	for i, mode := range modes[1:] {
		slices.Sort(added[i+1])
		b.ReportMetric(added[i+1][len(added[i+1])/2], mode.name+"-ns/task")
	}
}
