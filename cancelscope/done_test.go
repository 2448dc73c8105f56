package cancelscope_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// Who asks for Done, and has asked for nothing before, gets a channel that is closed
// if the scope has been canceled without noticing.
func TestDoneNotices(t *testing.T) {
	closed := func(ctx context.Context) bool {
		select {
		case <-ctx.Done():
			return true
		default:
			return false
		}
	}
	t.Run("a deadline that has passed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			s.Run(t.Context(), func(ctx context.Context) error {
				time.Sleep(time.Second)
				if !closed(ctx) {
					t.Error("Done at the deadline is open, want closed")
				}
				return nil
			})
		})
	})
	t.Run("a context outside that is done", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			cancel()
			if !closed(ctx) {
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
