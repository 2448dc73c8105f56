package nursery_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/nursery"
)

// The cancellation that passes through the inner nursery carries a *TaskError as its
// reason, and is no failed task of that nursery all the same.
func TestHeadingDoesNotCountAPassingFailureOfTheOuterNursery(t *testing.T) {
	inBubble(t, "inner", func(t *testing.T) {
		var inner error
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("outer", with(errBoom))
			inner = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("late", stubborn(errBang))
				<-ctx.Done()
				return context.Cause(ctx)
			})
			return inner
		})
		want := "1 task failed:\n\tlate: bang\n\tscope canceled: a task failed: outer: boom"
		if got := inner.Error(); got != want {
			t.Errorf("Error() =\n%s\nwant\n%s", got, want)
		}
	})
}

// Under Supervise the cause of the cancellation by the body does not name an earlier
// failure, which canceled nothing.
func TestSuperviseCauseNamesTheBody(t *testing.T) {
	inBubble(t, "cause", func(t *testing.T) {
		var cause error
		nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "tolerated", func(context.Context) (int, error) { return 0, errBoom })
			<-task.Done()
			n.GoNamed("sibling", func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return nil
			})
			return errBang
		})
		if got, want := cause.Error(), "scope canceled: a task failed: body: bang"; got != want {
			t.Errorf("Cause = %q, want %q", got, want)
		}
	})
}
