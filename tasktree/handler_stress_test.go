package tasktree_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// Pages are refreshed and two watches look while tasks come, are canceled and end all the
// time. The race detector judges; the tree must be whole in every response.
func TestHandlerStress(t *testing.T) {
	defer tasktree.Config{Labels: true}.Record()()
	h := tasktree.Handler(tasktree.HandlerOptions{})
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	err := nursery.Config{Name: "stress"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 2 {
			n.Background("watch", func(ctx context.Context) error {
				return tasktree.Watch(ctx, tasktree.WatchOptions{
					Canceled: time.Nanosecond, Waiting: time.Nanosecond, Every: time.Microsecond, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
				})
			})
		}
		n.Background("churn", func(ctx context.Context) error {
			for i := 0; ctx.Err() == nil; i++ {
				nursery.Config{Name: fmt.Sprint("round ", i)}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					for j := range 20 {
						task := n.Task(fmt.Sprint("task ", j), func(ctx context.Context) error {
							return nursery.ForN(ctx, 2, j, func(context.Context, int) error { return nil })
						})
						if j%3 == 0 {
							task.Cancel(nil)
						}
					}
					return nil
				})
			}
			return ctx.Err()
		})
		return nursery.ForN(ctx, 4, rounds, func(ctx context.Context, i int) error {
			query := []string{"?format=json", "?format=json&unfolded=1&max=10", "?format=text", "?format=json&stacks=1"}[i%4]
			w := get(h, query)
			if i%4 == 2 {
				return nil
			}
			if tree := treeOf(t, w); w.Code != http.StatusOK || named(tree, "stress") == nil {
				return fmt.Errorf("%s: status %d, %d roots, want the nursery stress among them", query, w.Code, len(tree.Roots))
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}
