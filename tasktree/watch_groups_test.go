package tasktree_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

func minute() error { time.Sleep(time.Minute); return nil }

// An error group does not know since when its context is done. It is one stall with what is
// around it if both are canceled together.
func TestWatchGroupInWhatIsCanceled(t *testing.T) {
	var all *reports
	watched(t, tasktree.WatchOptions{}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		all = r
		job := n.Task("job", func(ctx context.Context) error {
			g, _ := errgroup.WithContext(ctx)
			g.Go(minute)
			return g.Wait()
		})
		time.Sleep(time.Second)
		job.Cancel(nil)
		time.Sleep(30 * time.Second)
		r.expect(t, "half a minute after the cancellation", "canceled job")
	})
	all.expect(t, "in the end", "canceled job", "over canceled job")
}

// What was canceled long before the group around it is a stall of its own, and not over because the
// group is canceled too.
func TestWatchCanceledBeforeItsGroup(t *testing.T) {
	var all *reports
	watched(t, tasktree.WatchOptions{}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		all = r
		g, ctx := errgroup.WithContext(ctx)
		s := cancelscope.Scope{Name: "inside"}
		g.Go(func() error {
			return s.Run(ctx, func(context.Context) error { return minute() })
		})
		s.Cancel(nil)
		time.Sleep(20 * time.Second)
		r.expect(t, "before the group is canceled", "canceled inside")
		g.Go(func() error { return errors.New("refused") })
		time.Sleep(20 * time.Second)
		r.expect(t, "after the group was canceled", "canceled inside", "canceled ") // groups have no name
		g.Wait()
	})
	if n := len(all.list()); n != 4 {
		t.Errorf("%d reports in the end, want 4: an end for each", n)
	}
}
