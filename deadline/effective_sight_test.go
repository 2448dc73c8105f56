package deadline_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A context of the standard library keeps the deadline that it found when it was made. What
// comes into sight later, further out, counts all the same.
func TestEffectiveOfWhatComesIntoSight(t *testing.T) {
	bubbletest.Run(t, "a shield that is taken off", func(t *testing.T) {
		at := seconds()
		outside, cancel := context.WithDeadline(context.Background(), at(1))
		defer cancel()
		var shielded, inner cancelscope.Scope
		shielded.SetShield(true)
		run(t, &shielded, outside, func(ctx context.Context) {
			between, stop := context.WithDeadline(ctx, at(9))
			defer stop()
			run(t, &inner, between, func(ctx context.Context) {
				wantEffective(t, "inside", ctx, at(9))
				shielded.SetShield(false)
				wantEffective(t, "inside, the shield taken off", ctx, at(1))
				wantEffective(t, "between, the shield taken off", between, at(1))
			})
		})
	})

	bubbletest.Run(t, "a task that is started", func(t *testing.T) {
		at := seconds()
		outside, cancel := context.WithDeadline(context.Background(), at(1))
		defer cancel()
		err := nursery.Run(outside, func(_ context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(context.Background(), n, "", func(ctx context.Context, started func(int)) error {
				between, stop := context.WithDeadline(ctx, at(9))
				defer stop()
				var inner cancelscope.Scope
				run(t, &inner, between, func(ctx context.Context) {
					wantEffective(t, "before started", ctx, at(9))
					started(1)
					wantEffective(t, "after started", ctx, at(1))
				})
				return nil
			})
			return err
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}
