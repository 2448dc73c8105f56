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

// BenchmarkMillion takes a tree of a million tasks and writes it. The metrics are the time
// and the bytes for each step, and the longest that a task which starts meanwhile was late.
func BenchmarkMillion(b *testing.B) {
	defer tasktree.Record()()
	const count = 1_000_000
	nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for i := range count {
			n.GoNamed(names[i%len(names)], wait)
		}
		for _, o := range []struct {
			name    string
			options tasktree.Options
		}{{"folded", tasktree.Options{}}, {"max=10000", tasktree.Options{Unfolded: true}}, {"all", tasktree.Options{Unfolded: true, Max: -1}}} {
			b.Run("tree="+o.name, func(b *testing.B) { takeAndWrite(b, o.options) })
		}
		n.Scope().Cancel(nil)
		return nil
	})
}

var names = []string{"reader", "writer", "accept", "flush", "sync", "heartbeat", "session", "timer"}

func takeAndWrite(b *testing.B, o tasktree.Options) {
	b.ReportAllocs()
	var taken, text, js time.Duration
	var bytes counter
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() { longest <- longestStart(stop) }()
	for b.Loop() {
		begin := time.Now()
		tree := tasktree.Take(o)
		taken += time.Since(begin)
		begin = time.Now()
		tree.WriteText(&bytes, 0)
		text += time.Since(begin)
		begin = time.Now()
		tree.WriteJSON(&bytes)
		js += time.Since(begin)
	}
	close(stop)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(ms(taken), "ms-take")
	b.ReportMetric(ms(text), "ms-text")
	b.ReportMetric(ms(js), "ms-json")
	b.ReportMetric(float64(bytes)/float64(b.N), "written")
	b.ReportMetric(float64((<-longest).Microseconds())/1000, "ms-longest-start")
}

// longestStart opens nurseries with one task, one after another, until stop is closed, and
// returns the longest time that one took.
func longestStart(stop chan struct{}) (longest time.Duration) {
	for {
		select {
		case <-stop:
			return longest
		default:
		}
		begin := time.Now()
		children(context.Background(), 1)
		longest = max(longest, time.Since(begin))
	}
}

type counter int64

func (c *counter) Write(text []byte) (int, error) {
	*c += counter(len(text))
	return len(text), nil
}
