package nursery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trellis-go/trellis/nursery"
)

const benchItems = 100_000

// The same work with the limit of errgroup, and with workers that share a channel, which
// are the tasks of an errgroup.
func BenchmarkForEach(b *testing.B) {
	works := []struct {
		name string
		work func()
	}{
		{"0", func() {}},
		{"1us", func() { spin(time.Microsecond) }},
		{"20us", func() { spin(20 * time.Microsecond) }},
		{"stack12KiB", func() { deep(10) }},
	}
	libs := []struct {
		name string
		run  func(ctx context.Context, limit int, fn func(ctx context.Context, item int) error) error
	}{
		{"trellis", func(ctx context.Context, limit int, fn func(ctx context.Context, item int) error) error {
			return nursery.ForEach(ctx, limit, upTo(benchItems), fn)
		}},
		{"errgroup", func(ctx context.Context, limit int, fn func(ctx context.Context, item int) error) error {
			g, ctx := errgroup.WithContext(ctx)
			g.SetLimit(limit)
			for item := range upTo(benchItems) {
				g.Go(func() error { return fn(ctx, item) })
			}
			return g.Wait()
		}},
		{"channel", func(ctx context.Context, limit int, fn func(ctx context.Context, item int) error) error {
			g, ctx := errgroup.WithContext(ctx)
			items := make(chan int)
			for range limit {
				g.Go(func() error {
					for item := range items {
						if err := fn(ctx, item); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for item := range upTo(benchItems) {
				select {
				case items <- item:
				case <-ctx.Done():
				}
			}
			close(items)
			return g.Wait()
		}},
	}
	for _, w := range works {
		for _, limit := range []int{2, 100} {
			for _, lib := range libs {
				b.Run(fmt.Sprintf("work=%s/limit=%d/lib=%s", w.name, limit, lib.name), func(b *testing.B) {
					ctx := parent(b)
					for b.Loop() {
						if err := lib.run(ctx, limit, func(context.Context, int) error { w.work(); return nil }); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchItems, "ns/item")
				})
			}
		}
	}
}
