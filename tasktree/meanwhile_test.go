package tasktree_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// What ends while a tree is taken is below what it was in, or not shown: not beside it.
func TestEndsWhileTheTreeIsTaken(t *testing.T) {
	recorded(t, "nursery in a task", func(t *testing.T) {
		nursery.Config{Name: "outer"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			release := make(chan struct{})
			n.GoNamed("task", func(ctx context.Context) error {
				return nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("in", func(context.Context) error { <-release; return nil })
					return nil
				})
			})
			synctest.Wait() // all tasks have begun
			checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery outer, 0ms, 1 task
└─ task task, 0ms
   └─ nursery inner, 0ms, 1 task
      │  its body ended 0ms ago, it waits for 1 task
      └─ task in, 0ms`)
			defer tasktree.WhileCollecting(func() {
				close(release)
				synctest.Wait() // all tasks have ended
			})()
			checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery outer, 0ms`)
			return nil
		})
	})
}
