package nursery_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// The scope of a nursery cannot be reached before Run, so Config has what must be set
// before.
func TestConfigTimeout(t *testing.T) {
	bubbletest.Run(t, "ends the tasks, and is no error", func(t *testing.T) {
		start := time.Now()
		var seen error
		err := nursery.Config{Timeout: time.Minute}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			if at, ok := ctx.Deadline(); !ok || !at.Equal(start.Add(time.Minute)) {
				t.Errorf("Deadline() = %v, %v, want %v", at, ok, start.Add(time.Minute))
			}
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				seen = ctx.Err()
				return seen
			})
			return nil
		})
		if err != nil || seen != context.DeadlineExceeded {
			t.Errorf("Run = %v, Err in the task = %v; want nil, %v", err, seen, context.DeadlineExceeded)
		}
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)
	})
	bubbletest.Run(t, "negative, has passed on entry", func(t *testing.T) {
		ran := false
		err := nursery.Config{Timeout: -1}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			ran = true
			bubbletest.CheckCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			return nil
		})
		if err != nil || !ran {
			t.Errorf("Run = %v, ran: %v; want nil, true", err, ran)
		}
	})
	bubbletest.Run(t, "zero is none", func(t *testing.T) {
		nursery.Config{}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			if at, ok := ctx.Deadline(); ok {
				t.Errorf("Deadline() = %v, want none", at)
			}
			return nil
		})
	})
	bubbletest.Run(t, "may be moved later if the nursery is adjustable", func(t *testing.T) {
		start := time.Now()
		nursery.Config{Timeout: time.Minute, Adjustable: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().SetTimeout(time.Hour)
			<-ctx.Done()
			return ctx.Err()
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Hour)
	})
}

func TestConfigShield(t *testing.T) {
	outside, cancel := context.WithCancel(t.Context())
	cancel()
	err := nursery.Config{Shield: true}.Run(outside, func(ctx context.Context, n *nursery.Nursery) error {
		if err := ctx.Err(); err != nil {
			t.Errorf("Err() under a shield = %v, want nil", err)
		}
		n.Scope().SetShield(false)
		if err := ctx.Err(); err != context.Canceled {
			t.Errorf("Err() without = %v, want %v", err, context.Canceled)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}
