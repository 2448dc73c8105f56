package cancelscope_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Who asks for Done, and has asked for nothing before, gets a channel that is closed
// if the scope has been canceled without noticing.
func TestDoneNotices(t *testing.T) {
	bubbletest.Run(t, "a deadline that has passed", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			if !bubbletest.IsClosed(ctx.Done()) {
				t.Error("Done at the deadline is open, want closed")
			}
			return nil
		})
	})
	t.Run("a context outside that is done", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			cancel()
			if !bubbletest.IsClosed(ctx.Done()) {
				t.Error("Done is open after the cancel function of the context outside, want closed")
			}
			return nil
		})
	})
}

// A deadline that moves to a later time leaves the timer as it is. When that fires it
// is too early, and must not have been the last one.
func TestTimerArmsItselfAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			done := ctx.Done()
			for i := range 3 {
				s.SetDeadline(start.Add(time.Duration(2+i) * time.Second))
				time.Sleep(1100 * time.Millisecond) // past the moment that the timer was armed for
			}
			select {
			case <-done: // no call looks at a clock here: only the timer can close it
			case <-time.After(time.Hour):
				t.Error("Done was still open an hour later")
			}
			if got := time.Since(start); got != 4*time.Second {
				t.Errorf("Done was closed after %v, want 4s", got)
			}
			return nil
		})
	})
}

func TestCheckpoints(t *testing.T) {
	// catalogue: trio/test_run.py::test_cancel_points
	bubbletest.Run(t, "before and after a cancel", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "ctx.Err()", ctx.Err(), nil)
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), nil)
			bubbletest.CheckError(t, "Sleep(ctx, 0)", deadline.Sleep(ctx, 0), nil)
			s.Cancel(nil)
			bubbletest.CheckError(t, "ctx.Err() after Cancel", ctx.Err(), context.Canceled)
			bubbletest.CheckError(t, "context.Cause(ctx) after Cancel", context.Cause(ctx), s.Cause())
			bubbletest.CheckError(t, "Sleep(ctx, 0) after Cancel", deadline.Sleep(ctx, 0), s.Cause())
			start := time.Now()
			bubbletest.CheckError(t, "Sleep(ctx, forever) after Cancel", deadline.Sleep(ctx, forever), s.Cause())
			bubbletest.CheckElapsed(t, "Sleep(ctx, forever) after Cancel", start, 0)

			err := cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error {
				bubbletest.CheckError(t, "ctx.Err() under Shield", ctx.Err(), nil)
				bubbletest.CheckError(t, "context.Cause(ctx) under Shield", context.Cause(ctx), nil)
				return deadline.Sleep(ctx, 0)
			})
			bubbletest.CheckError(t, "Sleep(ctx, 0) under Shield", err, nil)
			bubbletest.CheckError(t, "Sleep(ctx, 0) after Shield", deadline.Sleep(ctx, 0), s.Cause())
			return nil
		})
	})

	// catalogue: trio/test_run.py::test_failed_abort
	bubbletest.Run(t, "after an operation that cannot be interrupted", func(t *testing.T) {
		var s cancelscope.Scope
		start := time.Now()
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.AfterFunc(time.Second, func() { s.Cancel(nil) })
			time.Sleep(time.Minute) // knows nothing of ctx
			bubbletest.CheckElapsed(t, "the operation", start, time.Minute)
			err := deadline.Sleep(ctx, 0)
			checkCancellation(t, "the checkpoint after it", ctx, err)
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}
