//go:build !race

package nursery_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/nursery"
)

// What the entry points that take items and functions may allocate at most, in all and
// for each of many items. The race detector allocates on its own.
func TestAllocationsOfItems(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx.Done()
	item := func(context.Context, int) error { return nil }
	value := func(_ context.Context, item int) (int, error) { return item, nil }
	function := func(context.Context) (int, error) { return 1, nil }
	const many = 10_000
	for _, c := range []struct {
		name string
		most float64
		f    func(count int)
	}{
		{"ForEach", 13, func(count int) { nursery.ForEach(ctx, 2, upTo(count), item) }},
		{"Map", 18, func(count int) { nursery.Map(ctx, 2, upTo(count), value) }},
		{"MapSeq", 33, func(count int) {
			for range nursery.MapSeq(ctx, 2, upTo(count), value) {
			}
		}},
	} {
		few := testing.AllocsPerRun(50, func() { c.f(0) })
		got := (testing.AllocsPerRun(5, func() { c.f(many) }) - few) / many
		if t.Logf("%s: %v allocations for no items, %v for each item", c.name, few, got); few > c.most || got > 0.01 {
			t.Errorf("%s: %v allocations for no items, %v for each of %d, want at most %v, 0.01", c.name, few, got, many, c.most)
		}
	}
	for _, c := range []struct {
		name string
		most float64
		f    func()
	}{
		{"Race", 8, func() { nursery.Race(ctx, function, function) }},
		{"All", 8, func() { nursery.All(ctx, function, function) }},
	} {
		if got := testing.AllocsPerRun(100, c.f); got > c.most {
			t.Errorf("%s of two: %v allocations, want at most %v", c.name, got, c.most)
		} else {
			t.Logf("%s: %v of %v", c.name, got, c.most)
		}
	}
}
