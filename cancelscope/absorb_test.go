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

// The tests named after semantics follow the numbered list of what a scope does.

// Item 1 of the contract of scopes.
func TestLevelTriggered(t *testing.T) {
	// waits checks that every way to wait under ctx fails at once.
	waits := func(t *testing.T, when string, ctx context.Context, want error) {
		t.Helper()
		start := time.Now()
		checkDone(t, "ctx "+when, ctx, want)
		for range 3 {
			if err := deadline.Sleep(ctx, time.Hour); !errors.Is(err, want) {
				t.Errorf("Sleep %s = %v, want %v", when, err, want)
			}
		}
		derived, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		checkDone(t, "WithTimeout "+when, derived, want)
		ran := false
		var inner cancelscope.Scope
		err := inner.Run(ctx, func(ctx context.Context) error {
			ran = true
			checkDone(t, "a scope opened "+when, ctx, want)
			return ctx.Err()
		})
		if !ran || !errors.Is(err, want) {
			t.Errorf("Run of a scope opened %s = %v, its block ran: %v; want %v, true", when, err, ran, want)
		}
		bubbletest.CheckScope(t, "a scope opened "+when, &inner, false, false)
		bubbletest.CheckElapsed(t, "waiting "+when, start, 0)
	}

	bubbletest.Run(t, "canceled by hand", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			waits(t, "after Cancel", ctx, context.Canceled)
			time.Sleep(time.Hour)
			waits(t, "an hour after Cancel", ctx, context.Canceled)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		checkOpen(t, "the context outside", t.Context())
	})

	bubbletest.Run(t, "canceled by its deadline", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "first wait", untilDone(ctx), context.DeadlineExceeded)
			waits(t, "after the deadline", ctx, context.DeadlineExceeded)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
}

// Item 2 of the contract of scopes.
func TestWhoAbsorbsIsDecidedAtTheEnd(t *testing.T) {
	t.Run("its own cancellation", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			inner.Cancel(nil)
			err := inner.Run(ctx, untilDone)
			bubbletest.CheckError(t, "inner.Run", err, nil)
			checkOpen(t, "the outer context", ctx)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
		bubbletest.CheckScope(t, "outer", &outer, false, false)
	})

	for _, test := range []struct {
		name   string
		shield bool
		block  func(ctx context.Context, outer, inner *cancelscope.Scope) error
	}{
		{"the parent is canceled last, while the error is on its way", false, func(ctx context.Context, outer, inner *cancelscope.Scope) error {
			inner.Cancel(nil)
			err := untilDone(ctx)
			outer.Cancel(nil)
			return err
		}},
		{"the parent is canceled first", false, func(ctx context.Context, outer, inner *cancelscope.Scope) error {
			outer.Cancel(nil)
			inner.Cancel(nil)
			return untilDone(ctx)
		}},
		{"a shield hides the parent", true, func(ctx context.Context, outer, inner *cancelscope.Scope) error {
			outer.Cancel(nil)
			inner.Cancel(nil)
			return untilDone(ctx)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var outer, inner cancelscope.Scope
			inner.SetShield(test.shield)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				err := inner.Run(ctx, func(ctx context.Context) error { return test.block(ctx, &outer, &inner) })
				if test.shield {
					bubbletest.CheckError(t, "inner.Run", err, nil)
				} else {
					checkCancellation(t, "inner.Run", ctx, err)
				}
				return err
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "inner", &inner, true, test.shield)
			bubbletest.CheckScope(t, "outer", &outer, true, !test.shield)
		})
	}

	t.Run("the parent is a standard context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		err := s.Run(ctx, func(ctx context.Context) error {
			s.Cancel(nil)
			err := untilDone(ctx)
			cancel()
			return err
		})
		bubbletest.CheckError(t, "Run", err, context.Canceled)
		bubbletest.CheckScope(t, "s", &s, true, false)
	})

	bubbletest.Run(t, "its own deadline has passed unnoticed", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(context.Context) error {
			time.Sleep(time.Second)
			return context.DeadlineExceeded // of a deadline that was passed down, say
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "the parent's deadline has passed unnoticed", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.SetTimeout(time.Second)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				inner.Cancel(nil)
				err := ctx.Err()
				time.Sleep(time.Second) // no timer runs: Done has not been asked for
				return err
			})
			bubbletest.CheckError(t, "inner.Run", err, context.Cause(ctx))
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	t.Run("no scope is canceled", func(t *testing.T) {
		stray := errors.Join(context.Canceled, context.DeadlineExceeded)
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(context.Context) error { return stray })
		})
		bubbletest.CheckError(t, "outer.Run", err, stray)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "outer", &outer, false, false)
	})
}

// Item 5 of the contract of scopes.
func TestNoErrorWithoutOneInside(t *testing.T) {
	finish := func(context.Context) error { return nil }

	t.Run("canceled", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(errBoom)
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), finish), nil)
		bubbletest.CheckScope(t, "s", &s, true, false)
	})
	t.Run("canceled from outside", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Cancel(errBoom)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "inner.Run", inner.Run(ctx, finish), nil)
			return nil
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "outer", &outer, true, false)
	})
	t.Run("under a standard context that is done", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errBoom)
		var s cancelscope.Scope
		bubbletest.CheckError(t, "Run", s.Run(ctx, finish), nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
	bubbletest.Run(t, "after the deadline", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "wait", untilDone(ctx), context.DeadlineExceeded)
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, false)
	})
	t.Run("a real error while canceled", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(nil)
		err := s.Run(t.Context(), func(context.Context) error { return errBoom })
		bubbletest.CheckError(t, "Run", err, errBoom)
		bubbletest.CheckScope(t, "s", &s, true, false)
	})
}

// Item 7 of the contract of scopes.
func TestCancelBeforeAndAfterRun(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(errBoom)
		bubbletest.CheckScope(t, "s", &s, true, false)
		ran := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ran = true
			checkDone(t, "ctx", ctx, context.Canceled)
			bubbletest.CheckError(t, "Reason", causeOf(t, "ctx", ctx, cancelscope.ByCall).Reason(), errBoom)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		if !ran {
			t.Error("the block did not run, want it to run to its first wait")
		}
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	t.Run("after", func(t *testing.T) {
		var s cancelscope.Scope
		var inside context.Context
		err := s.Run(t.Context(), func(ctx context.Context) error {
			inside = ctx
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		s.Cancel(errBoom)
		bubbletest.CheckScope(t, "s", &s, true, false)
		bubbletest.CheckError(t, "Cause", s.Cause(), nil)
		causeOf(t, "the context of the ended scope", inside, cancelscope.ByExit)
	})

	t.Run("second Run", func(t *testing.T) {
		const text = "cancelscope: second Run of a Scope: "
		var s cancelscope.Scope
		block := func(context.Context) error { return nil }
		err := s.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckPanics(t, "Run inside Run", text, func() { s.Run(ctx, block) })
			done := make(chan struct{})
			go func() {
				defer close(done)
				bubbletest.CheckPanics(t, "Run beside Run", text, func() { s.Run(t.Context(), block) })
			}()
			<-done
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckPanics(t, "Run after Run", text, func() { s.Run(t.Context(), block) })
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
}
