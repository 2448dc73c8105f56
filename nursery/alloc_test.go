//go:build !race

package nursery_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/nursery"
)

// What an entry point may allocate at most. The race detector allocates on its own.
func TestAllocations(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx.Done()
	value := func(context.Context) (int, error) { return 1, nil }
	run := func(body func(ctx context.Context, n *nursery.Nursery)) func() {
		return func() {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				body(ctx, n)
				return nil
			})
		}
	}
	task := func(context.Context) error { return nil }
	for _, c := range []struct {
		name string
		most float64 // the nursery itself is one of them
		f    func()
	}{
		{"Run", 1, run(func(context.Context, *nursery.Nursery) {})},
		{"Run in Run", 2, run(func(ctx context.Context, n *nursery.Nursery) {
			nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
		})},
		{"Run with a look at Done", 9, run(func(ctx context.Context, n *nursery.Nursery) { ctx.Done() })},
		{"Run with a look at Err", 1, run(func(ctx context.Context, n *nursery.Nursery) { ctx.Err() })},
		{"Go", 2, run(func(ctx context.Context, n *nursery.Nursery) { n.Go(task) })},
		{"Go, ten times", 11, run(func(ctx context.Context, n *nursery.Nursery) {
			for range 10 {
				n.Go(task)
			}
		})},
		{"GoNamed", 2, run(func(ctx context.Context, n *nursery.Nursery) { n.GoNamed("task", task) })},
		{"TryGo", 2, run(func(ctx context.Context, n *nursery.Nursery) { n.TryGo(task) })},
		{"TryGoNamed", 2, run(func(ctx context.Context, n *nursery.Nursery) { n.TryGoNamed("task", task) })},
		{"Spawn", 4, run(func(ctx context.Context, n *nursery.Nursery) { nursery.Spawn(n, value) })},
		{"Start", 7, run(func(ctx context.Context, n *nursery.Nursery) {
			nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error { started(1); return nil })
		})},
	} {
		if got := testing.AllocsPerRun(200, c.f); got > c.most {
			t.Errorf("%s: %v allocations, want at most %v", c.name, got, c.most)
		} else {
			t.Logf("%s: %v of %v", c.name, got, c.most)
		}
	}
}
