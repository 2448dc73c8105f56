package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// Item 6 of the contract of scopes.
func TestFirstCauseIsKept(t *testing.T) {
	bubbletest.Run(t, "a call before the deadline", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(errBoom)
			first := context.Cause(ctx)
			time.Sleep(time.Minute)
			s.Cancel(errBang)
			checkDone(t, "ctx", ctx, context.Canceled)
			bubbletest.CheckError(t, "context.Cause", context.Cause(ctx), first)
			bubbletest.CheckError(t, "Reason", causeOf(t, "ctx", ctx, cancelscope.ByCall).Reason(), errBoom)
			bubbletest.CheckError(t, "s.Cause", s.Cause(), first)
			return nil
		})
		bubbletest.CheckScope(t, "s", &s, true, false)
	})

	bubbletest.Run(t, "the deadline before a call", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(2 * time.Second) // no call has noticed yet
			s.Cancel(errBoom)
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			bubbletest.CheckError(t, "Reason", causeOf(t, "ctx", ctx, cancelscope.ByDeadline).Reason(), nil)
			return nil
		})
	})

	bubbletest.Run(t, "the parent before the scope's own", func(t *testing.T) {
		outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{Name: "inner"}
		outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				outer.Cancel(errBoom)
				inner.Cancel(errBang)
				inner.SetTimeout(0)
				c := causeOf(t, "ctx", ctx, cancelscope.ByCall)
				if c.Scope() != "outer" || c.Reason() != errBoom {
					t.Errorf("cause: scope %q, reason %v; want %q, %v", c.Scope(), c.Reason(), "outer", errBoom)
				}
				bubbletest.CheckError(t, "inner.Cause", inner.Cause(), outer.Cause())
				return nil
			})
		})
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})

	t.Run("the scope's own before the parent", func(t *testing.T) {
		outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{Name: "inner"}
		outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				inner.Cancel(errBoom)
				outer.Cancel(errBang)
				c := causeOf(t, "ctx", ctx, cancelscope.ByCall)
				if c.Scope() != "inner" || c.Reason() != errBoom {
					t.Errorf("cause: scope %q, reason %v; want %q, %v", c.Scope(), c.Reason(), "inner", errBoom)
				}
				return nil
			})
		})
	})

	t.Run("a child's failure before a call", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("reader", func(context.Context) error { return errBoom })
			<-ctx.Done()
			n.Scope().Cancel(errBang)
			c := causeOf(t, "ctx", ctx, cancelscope.ByTask)
			if !errors.Is(c.Reason(), errBoom) || errors.Is(c, errBang) {
				t.Errorf("reason = %v, want %v", c.Reason(), errBoom)
			}
			return nil
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("nursery.Run = %v, want %v", err, errBoom)
		}
	})
}

// Item 6 of the contract of scopes.
func TestCauseReachesWhatIsStartedLater(t *testing.T) {
	outer := cancelscope.Scope{Name: "outer"}
	outer.Run(t.Context(), func(ctx context.Context) error {
		outer.Cancel(errBoom)
		want := context.Cause(ctx)

		var inner cancelscope.Scope
		inner.Run(ctx, func(ctx context.Context) error {
			checkDone(t, "the context of a later scope", ctx, context.Canceled)
			bubbletest.CheckError(t, "context.Cause of a later scope", context.Cause(ctx), want)
			return nil
		})
		derived, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		bubbletest.CheckError(t, "context.Cause of a later standard context", context.Cause(derived), want)
		var behind cancelscope.Scope
		behind.Run(derived, func(ctx context.Context) error {
			bubbletest.CheckError(t, "context.Cause of a scope below that", context.Cause(ctx), want)
			return nil
		})
		nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				bubbletest.CheckError(t, "context.Cause of a later task", context.Cause(ctx), want)
				return nil
			})
			return nil
		})
		return nil
	})
}

// Item 6 of the contract of scopes.
func TestWhatACanceledSays(t *testing.T) {
	// is checks what errors.Is finds in c.
	is := func(t *testing.T, c *cancelscope.Canceled, ctx context.Context, reasons ...error) {
		t.Helper()
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			if got, want := errors.Is(c, end), ctx.Err() == end; got != want {
				t.Errorf("errors.Is(%v, %v) = %v, want %v because ctx.Err() is %v", c, end, got, want, ctx.Err())
			}
		}
		for _, reason := range reasons {
			if !errors.Is(c, reason) {
				t.Errorf("errors.Is(%v, %v) = false, want true", c, reason)
			}
		}
	}
	text := func(t *testing.T, c *cancelscope.Canceled, want string) {
		t.Helper()
		if got := c.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}

	t.Run("a call", func(t *testing.T) {
		s := cancelscope.Scope{Name: "upload"}
		s.Cancel(fmt.Errorf("giving up: %w", io.ErrShortWrite))
		s.Run(t.Context(), func(ctx context.Context) error {
			c := causeOf(t, "ctx", ctx, cancelscope.ByCall)
			is(t, c, ctx, io.ErrShortWrite)
			text(t, c, `scope "upload" canceled: giving up: short write`)
			return nil
		})
	})
	t.Run("a call without a reason in a scope without a name", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(nil)
		s.Run(t.Context(), func(ctx context.Context) error {
			c := causeOf(t, "ctx", ctx, cancelscope.ByCall)
			is(t, c, ctx)
			text(t, c, "scope canceled")
			return nil
		})
	})
	t.Run("a reason of the other end", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(context.DeadlineExceeded)
		s.Run(t.Context(), func(ctx context.Context) error {
			checkDone(t, "ctx", ctx, context.Canceled)
			// The reason is found as well as what Err says.
			c := causeOf(t, "ctx", ctx, cancelscope.ByCall)
			if !errors.Is(c, context.Canceled) || !errors.Is(c, context.DeadlineExceeded) {
				t.Errorf("errors.Is(%v, …) does not find both Err and the reason", c)
			}
			return nil
		})
	})
	bubbletest.Run(t, "a deadline", func(t *testing.T) {
		s := cancelscope.Scope{Name: "upload"}
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			c := causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
			is(t, c, ctx)
			bubbletest.CheckError(t, "Reason", c.Reason(), nil)
			text(t, c, `scope "upload" canceled: deadline passed`)
			return nil
		})
	})
	t.Run("a standard context outside", func(t *testing.T) {
		outside, cancel := context.WithCancelCause(t.Context())
		cancel(errBoom)
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), errBoom)
			c := storyOf(t, "s", &s, cancelscope.ByParent)
			is(t, c, ctx, errBoom)
			bubbletest.CheckError(t, "Reason", c.Reason(), errBoom)
			text(t, c, "scope canceled from outside: context canceled: boom")
			return nil
		})
	})
	bubbletest.Run(t, "a standard deadline outside", func(t *testing.T) {
		outside, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			bubbletest.CheckError(t, "wait", untilDone(ctx), context.DeadlineExceeded)
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), context.DeadlineExceeded)
			c := storyOf(t, "s", &s, cancelscope.ByParent)
			is(t, c, ctx)
			bubbletest.CheckError(t, "Reason", c.Reason(), nil)
			text(t, c, "scope canceled from outside: context deadline exceeded")
			return nil
		})
	})
	t.Run("the end of the scope", func(t *testing.T) {
		var s cancelscope.Scope
		var ctx context.Context
		s.Run(t.Context(), func(c context.Context) error {
			ctx = c
			return nil
		})
		c := causeOf(t, "ctx", ctx, cancelscope.ByExit)
		is(t, c, ctx)
		text(t, c, "scope has ended")
	})
}

// The cause of a context outside of all scopes counts as its cancellation also where no code
// has asked for it inside.
func TestCauseOfAContextOutsideIsACancellation(t *testing.T) {
	errQuota := errors.New("quota used up")
	outside, cancel := context.WithCancelCause(t.Context())
	err := new(cancelscope.Scope).Run(outside, func(context.Context) error {
		cancel(errQuota)
		return context.Cause(outside)
	})
	c := bubbletest.CheckCanceled(t, "Run of a block that returns the cause of the context around", err, cancelscope.ByParent)
	if c != nil && c.Reason() != errQuota {
		t.Errorf("Reason() = %v, want %v", c.Reason(), errQuota)
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[cancelscope.Kind]string{
		cancelscope.ByCall:     "call",
		cancelscope.ByDeadline: "deadline",
		cancelscope.ByTask:     "task",
		cancelscope.ByParent:   "parent",
		cancelscope.ByExit:     "exit",
		cancelscope.Kind(17):   "Kind(17)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("Kind(%d).String() = %q, want %q", int(kind), got, want)
		}
	}
}

func TestReasonOfACancellation(t *testing.T) {
	// catalogue: trio/test_cancelled.py::test_cancel_reason
	bubbletest.Run(t, "by call and by deadline", func(t *testing.T) {
		s := cancelscope.Scope{Name: "upload"}
		s.Cancel(errBoom)
		s.Run(t.Context(), func(ctx context.Context) error {
			c := bubbletest.CheckCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			bubbletest.CheckError(t, "Reason", c.Reason(), errBoom)
			if got, want := c.Scope(), "upload"; got != want {
				t.Errorf("Scope() = %q, want %q", got, want)
			}
			return nil
		})

		var expired cancelscope.Scope
		expired.SetDeadline(time.Now().Add(-time.Hour))
		expired.Run(t.Context(), func(ctx context.Context) error {
			c := bubbletest.CheckCanceled(t, "Sleep in an expired scope", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			bubbletest.CheckError(t, "Reason", c.Reason(), nil)
			return nil
		})

		var later cancelscope.Scope
		later.Run(t.Context(), func(ctx context.Context) error {
			later.SetDeadline(time.Now().Add(-time.Hour))
			c := bubbletest.CheckCanceled(t, "Sleep in a scope that was made to expire", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			bubbletest.CheckError(t, "Reason", c.Reason(), nil)
			return nil
		})
	})

	// catalogue: trio/test_cancelled.py::test_cancel_reason_not_overwritten
	bubbletest.Run(t, "a call, then the deadline", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(errBoom)
			first := bubbletest.CheckCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			s.SetDeadline(time.Now().Add(-time.Hour))
			second := bubbletest.CheckCanceled(t, "Sleep after the deadline", deadline.Sleep(ctx, 0), cancelscope.ByCall)
			bubbletest.CheckError(t, "Reason", second.Reason(), errBoom)
			bubbletest.CheckError(t, "the second Sleep", second, first)
			return nil
		})
	})

	// catalogue: trio/test_cancelled.py::test_cancel_reason_not_overwritten_2
	bubbletest.Run(t, "the deadline, then a call", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			s.SetDeadline(time.Now().Add(-time.Hour))
			first := bubbletest.CheckCanceled(t, "Sleep", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			s.Cancel(errBoom)
			second := bubbletest.CheckCanceled(t, "Sleep after Cancel", deadline.Sleep(ctx, 0), cancelscope.ByDeadline)
			bubbletest.CheckError(t, "Reason", second.Reason(), nil)
			bubbletest.CheckError(t, "the second Sleep", second, first)
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
