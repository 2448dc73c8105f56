package nursery_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
)

// Items that are all there when the call begins, beside goroutines that share an integer,
// without contexts and errors.
func BenchmarkSlice(b *testing.B) {
	works := []struct {
		name  string
		count int
		work  func()
	}{
		{"0", benchItems, func() {}},
		{"1us", benchItems / 10, func() { spin(time.Microsecond) }},
		{"20us", benchItems / 100, func() { spin(20 * time.Microsecond) }},
		{"stack12KiB", benchItems / 10, func() { deep(10) }},
	}
	for _, w := range works {
		list, results := numbers(w.count), make([]int, w.count)
		raw := func(limit int, work func(index int)) {
			var next atomic.Int64
			var wg sync.WaitGroup
			for range limit {
				wg.Go(func() {
					for index := int(next.Add(1) - 1); index < len(list); index = int(next.Add(1) - 1) {
						work(index)
					}
				})
			}
			wg.Wait()
		}
		calls := []struct {
			name string
			run  func(ctx context.Context, limit int) error
		}{
			{"call=ForEach/lib=trellis", func(ctx context.Context, limit int) error {
				return nursery.ForEach(ctx, limit, list, func(context.Context, int) error { w.work(); return nil })
			}},
			{"call=ForEach/lib=raw", func(_ context.Context, limit int) error {
				raw(limit, func(int) { w.work() })
				return nil
			}},
			{"call=ForN/lib=trellis", func(ctx context.Context, limit int) error {
				return nursery.ForN(ctx, limit, len(list), func(context.Context, int) error { w.work(); return nil })
			}},
			{"call=Map/lib=trellis", func(ctx context.Context, limit int) error {
				_, err := nursery.Map(ctx, limit, list, func(_ context.Context, item int) (int, error) { w.work(); return item, nil })
				return err
			}},
			{"call=Map/lib=raw", func(_ context.Context, limit int) error {
				raw(limit, func(index int) { w.work(); results[index] = list[index] })
				return nil
			}},
		}
		for _, limit := range []int{2, 100} {
			for _, c := range calls {
				b.Run(fmt.Sprintf("work=%s/limit=%d/%s", w.name, limit, c.name), func(b *testing.B) {
					benchCall(b, w.count, func(ctx context.Context) error { return c.run(ctx, limit) })
				})
			}
		}
	}
}

// The other kinds of items, and loops over results.
func BenchmarkItems(b *testing.B) {
	double := func(_ context.Context, item int) (int, error) { return 2 * item, nil }
	calls := []struct {
		name string
		run  func(ctx context.Context, limit int) error
	}{
		{"call=ForEach/of=channel", func(ctx context.Context, limit int) error {
			return nursery.ForEach(ctx, limit, closed(benchItems), item)
		}},
		{"call=ForEach/of=receive", func(ctx context.Context, limit int) error {
			return nursery.ForEach(ctx, limit, receiving(benchItems), item)
		}},
		{"call=Map/of=sequence", func(ctx context.Context, limit int) error {
			_, err := nursery.Map(ctx, limit, upTo(benchItems), double)
			return err
		}},
		{"call=MapSeq/of=sequence", func(ctx context.Context, limit int) error {
			each(nursery.MapSeq(ctx, limit, upTo(benchItems), double))
			return nil
		}},
		{"call=MapUnordered/of=sequence", func(ctx context.Context, limit int) error {
			each(nursery.MapUnordered(ctx, limit, upTo(benchItems), double))
			return nil
		}},
	}
	for _, limit := range []int{2, 100} {
		for _, c := range calls {
			b.Run(fmt.Sprintf("limit=%d/%s", limit, c.name), func(b *testing.B) {
				benchCall(b, benchItems, func(ctx context.Context) error { return c.run(ctx, limit) })
			})
		}
	}
}

// benchCall measures a call that works on count items.
func benchCall(b *testing.B, count int, run func(ctx context.Context) error) {
	ctx := parent(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := run(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count), "ns/item")
}
