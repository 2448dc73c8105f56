package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestStandardContextBetweenScopes(t *testing.T) {
	bubbletest.Run(t, "that expires is a cancellation of the parent", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			start := time.Now()
			err := inner.Run(between, func(ctx context.Context) error {
				err := deadline.Sleep(ctx, time.Hour)
				bubbletest.CheckElapsed(t, "Sleep", start, time.Minute)
				checkDone(t, "ctx", ctx, context.DeadlineExceeded)
				return err
			})
			bubbletest.CheckError(t, "inner.Run", err, context.DeadlineExceeded)
			storyOf(t, "inner", &inner, cancelscope.ByParent)
			checkCancellation(t, "inner.Run", between, err)
			checkOpen(t, "the context around", ctx)
			return err
		})
		// No scope is left to which it belongs.
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outer.Run = %v, want what happened to the context between", err)
		}
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "outer", &outer, false, false)
	})

	t.Run("that is canceled with a cause", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithCancelCause(ctx)
			err := inner.Run(between, func(ctx context.Context) error {
				cancel(errBoom)
				checkDone(t, "ctx", ctx, context.Canceled)
				bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), errBoom)
				bubbletest.CheckError(t, "Reason", storyOf(t, "inner", &inner, cancelscope.ByParent).Reason(), errBoom)
				return context.Cause(ctx)
			})
			checkCancellation(t, "inner.Run", between, err)
			bubbletest.CheckError(t, "inner.Run", err, inner.Cause())
			return nil
		})
		bubbletest.CheckScope(t, "inner", &inner, false, false)
	})

	bubbletest.Run(t, "that expires after the inner scope was canceled", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			err := inner.Run(between, func(ctx context.Context) error {
				inner.Cancel(nil)
				err := ctx.Err()
				<-between.Done()
				return err
			})
			checkCancellation(t, "inner.Run", between, err)
			return nil
		})
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})

	bubbletest.Run(t, "that does not expire", func(t *testing.T) {
		var inner cancelscope.Scope
		between, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		inner.SetTimeout(time.Minute)
		bubbletest.CheckError(t, "inner.Run", inner.Run(between, untilDone), nil)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
	})

	bubbletest.Run(t, "under a shield", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetShield(true)
		outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return inner.Run(between, func(ctx context.Context) error {
				bubbletest.CheckError(t, "Sleep", deadline.Sleep(ctx, time.Hour), nil)
				checkOpen(t, "ctx", ctx)
				inner.SetShield(false)
				checkDone(t, "ctx without the shield", ctx, context.DeadlineExceeded)
				return nil
			})
		})
	})

	bubbletest.Run(t, "that has expired before", func(t *testing.T) {
		var inner cancelscope.Scope
		between, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		ran := false
		err := inner.Run(between, func(ctx context.Context) error {
			ran = true
			return untilDone(ctx)
		})
		checkCancellation(t, "inner.Run", between, err)
		if !ran {
			t.Error("the block did not run, want it to run to its first wait")
		}
	})

	bubbletest.Run(t, "whose deadline is published", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.SetTimeout(2 * time.Hour)
		inner.SetTimeout(3 * time.Hour)
		want := time.Now().Add(time.Hour)
		outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			return inner.Run(between, func(ctx context.Context) error {
				checkDeadline(t, ctx, want)
				return nil
			})
		})
	})
}

// checkDeadline checks what ctx reports about deadlines, in both ways. The zero time
// means none.
func checkDeadline(t *testing.T, ctx context.Context, want time.Time) {
	t.Helper()
	if at, ok := ctx.Deadline(); ok == want.IsZero() || !at.Equal(want) {
		t.Errorf("Deadline() = %v, %v, want %v", at, ok, want)
	}
	if at, ok := deadline.Effective(ctx); ok == want.IsZero() || !at.Equal(want) {
		t.Errorf("Effective = %v, %v, want %v", at, ok, want)
	}
}

func TestWithoutCancelBetweenScopes(t *testing.T) {
	run := func(t *testing.T, outer, inner *cancelscope.Scope, block func(ctx context.Context) error) (inside, outside error) {
		outside = outer.Run(context.WithValue(t.Context(), key("k"), "v"), func(ctx context.Context) error {
			inside = inner.Run(context.WithoutCancel(ctx), block)
			return ctx.Err()
		})
		return inside, outside
	}

	bubbletest.Run(t, "hides cancels and deadlines", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.SetTimeout(time.Second)
		inside, outside := run(t, &outer, &inner, func(ctx context.Context) error {
			bubbletest.CheckError(t, "Sleep", deadline.Sleep(ctx, time.Minute), nil)
			outer.Cancel(nil)
			checkOpen(t, "ctx", ctx)
			checkDeadline(t, ctx, time.Time{})
			if got := ctx.Value(key("k")); got != "v" {
				t.Errorf("Value = %v, want v", got)
			}
			return nil
		})
		bubbletest.CheckError(t, "inner.Run", inside, nil)
		bubbletest.CheckError(t, "outer.Run", outside, nil)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
	})

	t.Run("and what comes through it is real", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Cancel(errBoom)
		inner.Cancel(errBang)
		inside, _ := run(t, &outer, &inner, func(ctx context.Context) error { return outer.Cause() })
		bubbletest.CheckError(t, "inner.Run", inside, outer.Cause())
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})

	// The library gives the same closed channel to all contexts whose Done is called too late.
	bubbletest.Run(t, "and a limit for clean-up that has expired is not taken for the scope", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			outer.Cancel(errBoom)
			<-ctx.Done()
			limited, stop := context.WithTimeoutCause(context.WithoutCancel(ctx), 0, errBang)
			defer stop()
			inside := inner.Run(limited, func(ctx context.Context) error {
				checkDone(t, "ctx", ctx, context.DeadlineExceeded)
				bubbletest.CheckError(t, "Reason", storyOf(t, "inner", &inner, cancelscope.ByParent).Reason(), errBang)
				return ctx.Err()
			})
			checkCancellation(t, "inner.Run", limited, inside)
			if !errors.Is(inside, context.DeadlineExceeded) || errors.Is(inside, errBoom) {
				t.Errorf("inner.Run = %v, want the end of the limit", inside)
			}
			values := context.WithValue(ctx, key("k"), "v")
			return new(cancelscope.Scope).Run(values, func(ctx context.Context) error {
				bubbletest.CheckError(t, "context.Cause with values between", context.Cause(ctx), outer.Cause())
				return nil
			})
		})
	})

	t.Run("and the scope absorbs its own", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Cancel(errBoom)
		inner.Cancel(errBang)
		inside, outside := run(t, &outer, &inner, func(ctx context.Context) error {
			bubbletest.CheckError(t, "Reason", causeOf(t, "ctx", ctx, cancelscope.ByCall).Reason(), errBang)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "inner.Run", inside, nil)
		bubbletest.CheckError(t, "outer.Run", outside, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
	})

	bubbletest.Run(t, "with a timeout of its own", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			start := time.Now()
			err := inner.Run(between, func(ctx context.Context) error {
				outer.Cancel(nil)
				checkOpen(t, "ctx", ctx)
				err := deadline.Sleep(ctx, time.Hour)
				bubbletest.CheckElapsed(t, "Sleep", start, time.Minute)
				return err
			})
			bubbletest.CheckError(t, "inner.Run", err, context.DeadlineExceeded)
			storyOf(t, "inner", &inner, cancelscope.ByParent)
			return nil
		})
	})
}

func TestDeadlineTrap(t *testing.T) {
	// A standard context trusts a deadline that its parent has published, and installs no
	// timer for a later one of its own. So a published deadline must not move away.
	bubbletest.Run(t, "of an adjustable scope, which does not publish it", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Minute)
		start := time.Now()
		s.Run(t.Context(), func(ctx context.Context) error {
			if at, ok := ctx.Deadline(); ok {
				t.Errorf("Deadline() = %v, want none", at)
			}
			if at, ok := deadline.Effective(ctx); !ok || !at.Equal(start.Add(time.Minute)) {
				t.Errorf("Effective = %v, %v, want %v", at, ok, start.Add(time.Minute))
			}
			derived, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			s.SetTimeout(time.Hour)
			bubbletest.CheckError(t, "wait", untilDone(derived), context.DeadlineExceeded)
			bubbletest.CheckElapsed(t, "wait", start, 2*time.Minute)
			checkOpen(t, "ctx", ctx)
			return nil
		})
	})

	bubbletest.Run(t, "of an adjustable scope whose deadline passes", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Minute)
		start := time.Now()
		s.Run(t.Context(), func(ctx context.Context) error {
			derived, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			bubbletest.CheckError(t, "wait", untilDone(derived), context.DeadlineExceeded)
			bubbletest.CheckElapsed(t, "wait", start, time.Minute)
			bubbletest.CheckError(t, "context.Cause", context.Cause(derived), s.Cause())
			return nil
		})
	})

	bubbletest.Run(t, "of a scope that publishes it and does not move", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		start := time.Now()
		s.Run(t.Context(), func(ctx context.Context) error {
			checkDeadline(t, ctx, start.Add(time.Minute))
			const text = "cancelscope: deadline of a running scope moved to a later time: "
			bubbletest.CheckPanics(t, "SetTimeout(1h)", text, func() { s.SetTimeout(time.Hour) })
			bubbletest.CheckPanics(t, "SetDeadline(later)", text, func() { s.SetDeadline(start.Add(time.Minute + 1)) })
			bubbletest.CheckPanics(t, "SetDeadline(none)", text, func() { s.SetDeadline(time.Time{}) })
			checkDeadline(t, ctx, start.Add(time.Minute))
			derived, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			s.SetDeadline(start.Add(time.Minute)) // the same: no objection
			s.SetTimeout(time.Second)
			checkDeadline(t, ctx, start.Add(time.Second))
			bubbletest.CheckError(t, "wait", untilDone(derived), context.Canceled) // moved while it ran
			bubbletest.CheckError(t, "context.Cause", context.Cause(derived), s.Cause())
			storyOf(t, "s", &s, cancelscope.ByDeadline)
			bubbletest.CheckElapsed(t, "wait", start, time.Second)
			return nil
		})
	})

	bubbletest.Run(t, "of scopes around and inside", func(t *testing.T) {
		now := time.Now()
		outermost, moving, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}, cancelscope.Scope{}
		outermost.SetTimeout(3 * time.Hour)
		moving.SetTimeout(time.Hour)
		inner.SetTimeout(4 * time.Hour)
		checkPublished := func(name string, ctx context.Context, want time.Duration) {
			t.Helper()
			if at, ok := ctx.Deadline(); !ok || !at.Equal(now.Add(want)) {
				t.Errorf("%s: Deadline() = %v, %v, want in %v", name, at, ok, want)
			}
			if at, ok := deadline.Effective(ctx); !ok || !at.Equal(now.Add(min(want, time.Hour))) {
				t.Errorf("%s: Effective = %v, %v, want in %v", name, at, ok, min(want, time.Hour))
			}
		}
		outermost.Run(t.Context(), func(ctx context.Context) error {
			return moving.Run(ctx, func(ctx context.Context) error {
				checkPublished("an adjustable scope", ctx, 3*time.Hour)
				return inner.Run(ctx, func(ctx context.Context) error {
					checkPublished("a scope inside", ctx, 3*time.Hour)
					inner.SetTimeout(2 * time.Hour)
					checkPublished("a scope inside, sooner", ctx, 2*time.Hour)
					return nil
				})
			})
		})
	})
}
