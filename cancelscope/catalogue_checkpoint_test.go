package cancelscope_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func TestCheckpoints(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_points
	inBubble(t, "before and after a cancel", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			checkError(t, "ctx.Err()", ctx.Err(), nil)
			checkError(t, "context.Cause(ctx)", context.Cause(ctx), nil)
			checkError(t, "Sleep(ctx, 0)", deadline.Sleep(ctx, 0), nil)
			s.Cancel(nil)
			checkError(t, "ctx.Err() after Cancel", ctx.Err(), context.Canceled)
			checkError(t, "context.Cause(ctx) after Cancel", context.Cause(ctx), s.Cause())
			checkError(t, "Sleep(ctx, 0) after Cancel", deadline.Sleep(ctx, 0), s.Cause())
			start := time.Now()
			checkError(t, "Sleep(ctx, forever) after Cancel", deadline.Sleep(ctx, forever), s.Cause())
			checkElapsed(t, "Sleep(ctx, forever) after Cancel", start, 0)

			err := cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error {
				checkError(t, "ctx.Err() under Shield", ctx.Err(), nil)
				checkError(t, "context.Cause(ctx) under Shield", context.Cause(ctx), nil)
				return deadline.Sleep(ctx, 0)
			})
			checkError(t, "Sleep(ctx, 0) under Shield", err, nil)
			checkError(t, "Sleep(ctx, 0) after Shield", deadline.Sleep(ctx, 0), s.Cause())
			return nil
		})
	})

	// catalogue: trio/test_run.py::test_failed_abort
	inBubble(t, "after an operation that cannot be interrupted", func(t *testing.T) {
		var s cancelscope.Scope
		start := time.Now()
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.AfterFunc(time.Second, func() { s.Cancel(nil) })
			time.Sleep(time.Minute) // knows nothing of ctx
			checkElapsed(t, "the operation", start, time.Minute)
			err := deadline.Sleep(ctx, 0)
			checkCancellation(t, "the checkpoint after it", ctx, err)
			return err
		})
		checkError(t, "Run", err, nil)
		checkScope(t, "s", &s, true, true)
	})
}
