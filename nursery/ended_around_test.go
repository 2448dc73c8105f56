package nursery_test

import (
	"context"
	"errors"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// TestScopeAroundEndsFirst ends a scope around while a nursery, and a task that has not
// called started, run in it. Both end because their context is done, and say so.
func TestScopeAroundEndsFirst(t *testing.T) {
	enter := func() (context.Context, func()) {
		ctx, end := new(cancelscope.Scope).Enter(context.Background())
		return ctx, func() {
			var err error
			end(&err)
		}
	}
	ctx, end := enter()
	err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		end()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run(…) = %v, want context.Canceled", err)
	}

	ctx, end = enter()
	err = nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, "late", func(ctx context.Context, _ func(int)) error {
			end()
			<-ctx.Done()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Start(…) = _, %v; want context.Canceled", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run(…) = %v, want nil", err)
	}
}
