package nursery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// A time limit of the nursery ends it without an error, with context.DeadlineExceeded in
// every context below.
func TestConfigTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{time.Second, -time.Second} {
		inBubble(t, timeout.String(), func(t *testing.T) {
			start := time.Now()
			var below error
			err := nursery.Config{Timeout: timeout}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					derived, cancel := context.WithCancel(ctx)
					defer cancel()
					<-derived.Done()
					below = derived.Err()
					return below
				})
				return deadline.Sleep(ctx, forever)
			})
			checkElapsed(t, "Run", start, max(timeout, 0))
			if err != nil || below != context.DeadlineExceeded {
				t.Errorf("Run = %v, Err in a derived context = %v; want nil, %v", err, below, context.DeadlineExceeded)
			}
		})
	}
}

// A shield of the nursery hides what is outside.
func TestConfigShield(t *testing.T) {
	inBubble(t, "cancellation and deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cancel()
		err := nursery.Config{Shield: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
				t.Errorf("inside: a deadline: %v, Err() = %v; want none, nil", ok, ctx.Err())
			}
			return deadline.Sleep(ctx, time.Minute)
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		// Its own cancellation counts.
		err = nursery.Config{Shield: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().Cancel(errors.New("enough"))
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("Run of a shielded nursery that is canceled = %v, want nil", err)
		}
	})
}
