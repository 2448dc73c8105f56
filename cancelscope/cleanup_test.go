package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// cleaned is a function that does work and cleans up with a limit of a minute.
func cleaned(ctx context.Context, work, cleanup func(ctx context.Context) error) (err error) {
	defer cancelscope.Cleanup(ctx, &err, time.Minute, cleanup)
	return work(ctx)
}

func returns(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func TestCleanup(t *testing.T) {
	bubbletest.Run(t, "that succeeds", func(t *testing.T) {
		bubbletest.CheckError(t, "after nil", cleaned(t.Context(), returns(nil), returns(nil)), nil)
		bubbletest.CheckError(t, "after an error", cleaned(t.Context(), returns(errBoom), returns(nil)), errBoom)
	})
	bubbletest.Run(t, "that fails", func(t *testing.T) {
		bubbletest.CheckError(t, "after nil", cleaned(t.Context(), returns(nil), returns(errBang)), errBang)
		err := cleaned(t.Context(), returns(errBoom), returns(errBang))
		if got, want := err.Error(), "boom\nbang"; got != want || !errors.Is(err, errBoom) || !errors.Is(err, errBang) {
			t.Errorf("after an error: %q, want %q, both found by errors.Is", got, want)
		}
	})
	bubbletest.Run(t, "in a canceled scope", func(t *testing.T) {
		s, err := runCanceled(t, func(ctx context.Context) error {
			return cleaned(ctx, context.Context.Err, func(ctx context.Context) error {
				checkOpen(t, "the context of the clean-up", ctx)
				return errBang
			})
		})
		if !errors.Is(err, errBang) || errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want %v alone", err, errBang)
		}
		bubbletest.CheckScope(t, "s", s, true, true)
	})
	bubbletest.Run(t, "that is too slow", func(t *testing.T) {
		start := time.Now()
		err := cleaned(t.Context(), func(context.Context) error {
			time.Sleep(time.Hour) // longer than the limit, which has not begun
			return nil
		}, untilDone)
		bubbletest.CheckElapsed(t, "work and clean-up", start, time.Hour+time.Minute)
		bubbletest.CheckTooSlow(t, "Cleanup", err, cancelscope.TooSlowError{Name: "shield", Limit: time.Minute, Deadline: start.Add(time.Hour + time.Minute)})
	})
}

// Clean-up takes place however the function ends.
func TestCleanupOfAFunctionThatDoesNotReturn(t *testing.T) {
	bubbletest.Run(t, "panic", func(t *testing.T) {
		ran := false
		defer func() {
			if got := recover(); got != "boom" || !ran {
				t.Errorf("panic with %v, clean-up ran: %v, want boom, true", got, ran)
			}
		}()
		cleaned(t.Context(), func(context.Context) error { panic("boom") }, func(ctx context.Context) error {
			ran = ctx.Err() == nil
			return errBang
		})
	})
	bubbletest.Run(t, "Goexit", func(t *testing.T) {
		ran, returned, ended := false, false, make(chan struct{})
		go func() {
			defer close(ended)
			cleaned(t.Context(), func(context.Context) error { runtime.Goexit(); return nil }, func(ctx context.Context) error {
				ran = ctx.Err() == nil
				return errBang
			})
			returned = true
		}()
		<-ended
		if returned || !ran {
			t.Errorf("it returned: %v, clean-up ran: %v, want false, true", returned, ran)
		}
	})
	bubbletest.Run(t, "panic of the clean-up", func(t *testing.T) {
		defer func() {
			if got := recover(); got != "bang" {
				t.Errorf("panic with %v, want bang", got)
			}
		}()
		cleaned(t.Context(), returns(errBoom), func(context.Context) error { panic("bang") })
	})
}

func TestCleanupMisuse(t *testing.T) {
	ran := false
	bubbletest.CheckPanics(t, "Cleanup", "cancelscope: Cleanup with a nil pointer: ", func() {
		cancelscope.Cleanup(t.Context(), nil, time.Minute, func(context.Context) error { ran = true; return nil })
	})
	if ran {
		t.Error("Cleanup with a nil pointer ran the function, want a panic first")
	}
	var err error
	bubbletest.CheckPanics(t, "Cleanup", "cancelscope: Run with a nil function: ", func() { cancelscope.Cleanup(t.Context(), &err, 0, nil) })
}
