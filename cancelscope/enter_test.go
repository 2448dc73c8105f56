package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Enter and its end do what Run does.
func TestEnter(t *testing.T) {
	real := errors.New("real")
	for _, test := range []struct {
		name   string
		outer  bool // cancel the parent
		own    bool // cancel the scope
		shield bool
		err    func(ctx context.Context) error
	}{
		{"nil", true, true, false, func(context.Context) error { return nil }},
		{"real", false, true, false, func(context.Context) error { return real }},
		{"own", false, true, false, func(ctx context.Context) error { return ctx.Err() }},
		{"own, joined", false, true, false, func(ctx context.Context) error { return errors.Join(ctx.Err(), real) }},
		{"outer", true, false, false, func(ctx context.Context) error { return ctx.Err() }},
		{"both", true, true, false, func(ctx context.Context) error { return ctx.Err() }},
		{"both, shielded", true, true, true, func(ctx context.Context) error { return ctx.Err() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			block := func(s *cancelscope.Scope, cancel func()) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					if test.outer {
						cancel()
					}
					if test.own {
						s.Cancel(nil)
					}
					return test.err(ctx)
				}
			}
			run := func(flat bool) (error, bool) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var s cancelscope.Scope
				s.SetShield(test.shield)
				if !flat {
					return s.Run(ctx, block(&s, cancel)), s.CanceledCaught()
				}
				err := func() (err error) {
					ctx, end := s.Enter(ctx)
					defer end(&err)
					return block(&s, cancel)(ctx)
				}()
				return err, s.CanceledCaught()
			}
			want, wantCaught := run(false)
			got, caught := run(true)
			if text(got) != text(want) || caught != wantCaught {
				t.Errorf("Enter: %v, CanceledCaught %v; Run: %v, %v", got, caught, want, wantCaught)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return "nil"
	}
	return err.Error()
}

func TestEndOfEnter(t *testing.T) {
	t.Run("twice", func(t *testing.T) {
		var s cancelscope.Scope
		ctx, end := s.Enter(t.Context())
		s.Cancel(nil)
		err := ctx.Err()
		end(&err)
		other := ctx.Err()
		end(&other)
		if err != nil || other == nil {
			t.Errorf("errors after the first and the second end: %v, %v; want nil, and the other as it was", err, other)
		}
	})
	bubbletest.Run(t, "the outer scope first", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Hour)
		ctx, endOuter := outer.Enter(t.Context())
		ctx, endInner := inner.Enter(ctx)
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		var err error
		endOuter(&err)
		if ctx.Err() == nil || derived.Err() == nil {
			t.Errorf("Err inside after the end of the outer scope = %v, derived %v, want both done", ctx.Err(), derived.Err())
		}
		err = ctx.Err()
		endInner(&err)
		if got := cancelscope.Children(&outer); got != 0 {
			t.Errorf("%d scopes below the outer one after both ends, want 0", got)
		}
	})
	t.Run("after a panic and a Goexit", func(t *testing.T) {
		bubbletest.Abandon(func(leave func()) {
			var s cancelscope.Scope
			var inside context.Context
			defer func() {
				if inside.Err() == nil {
					t.Error("the context is not done when the function has been left")
				}
			}()
			_ = func() (err error) {
				ctx, end := s.Enter(context.Background())
				defer end(&err)
				inside = ctx
				leave()
				return nil
			}()
		})
	})
	t.Run("misuse", func(t *testing.T) {
		var s cancelscope.Scope
		bubbletest.CheckPanics(t, "Enter(nil)", "cancelscope: Enter with a nil context", func() { s.Enter(noContext) })
		_, end := s.Enter(t.Context())
		bubbletest.CheckPanics(t, "end(nil)", "cancelscope: end with a nil pointer", func() { end(nil) })
		bubbletest.CheckPanics(t, "second Enter", "cancelscope: second", func() { s.Enter(t.Context()) })
		bubbletest.CheckPanics(t, "Run after Enter", "cancelscope: second", func() { s.Run(t.Context(), nothing) })
		var err error
		end(&err)
	})
}

// TestOuterEndsFirstAfterCancellationFromOutside ends the outer one of two scopes first
// when both have been canceled from outside, by a cause that is a Canceled of another
// scope or has one inside. What context.Cause says in the inner one is still a
// cancellation there.
func TestOuterEndsFirstAfterCancellationFromOutside(t *testing.T) {
	var before cancelscope.Scope
	_ = before.Run(context.Background(), func(context.Context) error {
		before.Cancel(nil)
		return nil
	})
	for _, cause := range []error{before.Cause(), fmt.Errorf("restart: %w", before.Cause())} {
		outside, cancel := context.WithCancelCause(context.Background())
		var outer, inner cancelscope.Scope
		ctx, endOuter := outer.Enter(outside)
		ctx, endInner := inner.Enter(ctx)
		ctx.Done()
		cancel(cause)
		var err error
		endOuter(&err)
		err = context.Cause(ctx)
		if !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("IsCancellation(ctx, context.Cause(ctx)) = false for %v", err)
		}
		if endInner(&err); err != inner.Cause() {
			t.Errorf("end(&err) made %v of the cause, want %v", err, inner.Cause())
		}
	}
}
