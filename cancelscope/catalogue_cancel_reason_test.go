package cancelscope_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func TestReasonOfACancellation(t *testing.T) {
	// catalogue: trio/test_cancelled.py::test_cancel_reason
	inBubble(t, "by call and by deadline", func(t *testing.T) {
		s := cancelscope.Scope{Name: "upload"}
		s.Cancel(errBoom)
		s.Run(t.Context(), func(ctx context.Context) error {
			c := asCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			checkError(t, "Reason", c.Reason(), errBoom)
			if got, want := c.Scope(), "upload"; got != want {
				t.Errorf("Scope() = %q, want %q", got, want)
			}
			return nil
		})

		var expired cancelscope.Scope
		expired.SetDeadline(time.Now().Add(-time.Hour))
		expired.Run(t.Context(), func(ctx context.Context) error {
			c := asCanceled(t, "Sleep in an expired scope", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			checkError(t, "Reason", c.Reason(), nil)
			return nil
		})

		var later cancelscope.Scope
		later.Run(t.Context(), func(ctx context.Context) error {
			later.SetDeadline(time.Now().Add(-time.Hour))
			c := asCanceled(t, "Sleep in a scope that was made to expire", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			checkError(t, "Reason", c.Reason(), nil)
			return nil
		})
	})

	// catalogue: trio/test_cancelled.py::test_cancel_reason_not_overwritten
	inBubble(t, "a call, then the deadline", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(errBoom)
			first := asCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			s.SetDeadline(time.Now().Add(-time.Hour))
			second := asCanceled(t, "Sleep after the deadline", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			checkError(t, "Reason", second.Reason(), errBoom)
			checkError(t, "the second Sleep", second, first)
			return nil
		})
	})

	// catalogue: trio/test_cancelled.py::test_cancel_reason_not_overwritten_2
	inBubble(t, "the deadline, then a call", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			s.SetDeadline(time.Now().Add(-time.Hour))
			first := asCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			s.Cancel(errBoom)
			second := asCanceled(t, "Sleep after Cancel", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			checkError(t, "Reason", second.Reason(), nil)
			checkError(t, "the second Sleep", second, first)
			return nil
		})
	})

	// catalogue: anyio/test_taskgroups.py::test_cancel_reason
	t.Run("in the text", func(t *testing.T) {
		s := cancelscope.Scope{Name: "upload"}
		s.Cancel(errors.New("a newer version has come"))
		s.Run(t.Context(), func(ctx context.Context) error {
			// Goroutines have no names that could say which one called Cancel; the scope has.
			text := deadline.Sleep(ctx, 0).Error()
			for _, want := range []string{"a newer version has come", "upload"} {
				if !strings.Contains(text, want) {
					t.Errorf("Sleep = %q, want a text with %q", text, want)
				}
			}
			return nil
		})
	})
}
