package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Item 8 of the contract of scopes.
func TestShieldHidesTheOutside(t *testing.T) {
	t.Run("a cancel", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetShield(true)
		outer.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "inner.Run", inner.Run(ctx, func(ctx context.Context) error {
				outer.Cancel(nil)
				checkOpen(t, "the shielded context", ctx)
				bubbletest.CheckError(t, "inner.Cause", inner.Cause(), nil)
				return ctx.Err()
			}), nil)
			checkDone(t, "the outer context", ctx, context.Canceled)
			return nil
		})
		bubbletest.CheckScope(t, "inner", &inner, false, false)
	})

	bubbletest.Run(t, "a deadline", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.SetTimeout(time.Second)
		inner.SetShield(true)
		outer.Run(t.Context(), func(ctx context.Context) error {
			inner.Run(ctx, func(ctx context.Context) error {
				if at, ok := ctx.Deadline(); ok {
					t.Errorf("Deadline() under a shield = %v, want none", at)
				}
				if at, ok := deadline.Effective(ctx); ok {
					t.Errorf("Effective under a shield = %v, want none", at)
				}
				derived, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				bubbletest.CheckError(t, "Sleep under a shield", deadline.Sleep(derived, time.Minute), nil)
				checkOpen(t, "the shielded context", ctx)
				return nil
			})
			checkDone(t, "the outer context", ctx, context.DeadlineExceeded)
			return nil
		})
	})

	t.Run("a standard context", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		cancel()
		var s cancelscope.Scope
		s.SetShield(true)
		bubbletest.CheckError(t, "Run", s.Run(outside, func(ctx context.Context) error {
			checkOpen(t, "the shielded context", ctx)
			return ctx.Err()
		}), nil)
	})
}

// Item 8 of the contract of scopes.
func TestShieldDoesNotHideTheScopesOwn(t *testing.T) {
	t.Run("cancel", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetShield(true)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			checkDone(t, "ctx", ctx, context.Canceled)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})
	bubbletest.Run(t, "deadline", func(t *testing.T) {
		var outer, s cancelscope.Scope
		outer.Cancel(nil)
		s.SetShield(true)
		s.SetTimeout(time.Minute)
		start := time.Now()
		outer.Run(t.Context(), func(ctx context.Context) error {
			bubbletest.CheckError(t, "Run", s.Run(ctx, untilDone), nil)
			bubbletest.CheckElapsed(t, "Run", start, time.Minute)
			bubbletest.CheckScope(t, "s", &s, true, true)
			return nil
		})
	})
	t.Run("nor a cancel inside it", func(t *testing.T) {
		var shielded, inner cancelscope.Scope
		shielded.SetShield(true)
		shielded.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				shielded.Cancel(nil)
				checkDone(t, "the context inside", ctx, context.Canceled)
				return ctx.Err()
			})
		})
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "shielded", &shielded, true, true)
	})
}

// Item 8 of the contract of scopes.
func TestTakingTheShieldOffCancelsAtOnce(t *testing.T) {
	// below runs f with contexts of all kinds below the scope s, which runs in ctx.
	below := func(ctx context.Context, s *cancelscope.Scope, f func(all map[string]context.Context)) {
		s.Run(ctx, func(ctx context.Context) error {
			derived, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			var inner, far cancelscope.Scope
			return inner.Run(ctx, func(inside context.Context) error {
				return far.Run(context.WithValue(inside, key("k"), 1), func(deepest context.Context) error {
					f(map[string]context.Context{"ctx": ctx, "a standard context": derived, "a scope inside": inside, "a scope in that": deepest})
					return nil
				})
			})
		})
	}

	t.Run("while the parent is canceled", func(t *testing.T) {
		var outer, s cancelscope.Scope
		s.SetShield(true)
		outer.Run(t.Context(), func(ctx context.Context) error {
			below(ctx, &s, func(all map[string]context.Context) {
				outer.Cancel(errBoom)
				for name, ctx := range all {
					checkOpen(t, name, ctx)
				}
				s.SetShield(false)
				for name, ctx := range all {
					checkDone(t, name, ctx, context.Canceled)
					bubbletest.CheckError(t, "context.Cause of "+name, context.Cause(ctx), outer.Cause())
				}
			})
			return nil
		})
		bubbletest.CheckScope(t, "s", &s, false, false)
	})

	t.Run("while a standard context outside is done", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		s.SetShield(true)
		below(outside, &s, func(all map[string]context.Context) {
			cancel()
			for name, ctx := range all {
				checkOpen(t, name, ctx)
			}
			s.SetShield(false)
			for name, ctx := range all {
				checkDone(t, name, ctx, context.Canceled)
			}
		})
	})

	bubbletest.Run(t, "after the parent's deadline, unnoticed so far", func(t *testing.T) {
		var outer, s cancelscope.Scope
		outer.SetTimeout(time.Second)
		s.SetShield(true)
		outer.Run(t.Context(), func(ctx context.Context) error {
			return s.Run(ctx, func(ctx context.Context) error {
				time.Sleep(time.Minute)
				checkOpen(t, "ctx", ctx)
				s.SetShield(false)
				checkDone(t, "ctx", ctx, context.DeadlineExceeded)
				return nil
			})
		})
	})

	bubbletest.Run(t, "before the parent's deadline, with a goroutine waiting", func(t *testing.T) {
		var outer, s cancelscope.Scope
		outer.SetTimeout(time.Minute)
		s.SetShield(true)
		start := time.Now()
		outer.Run(t.Context(), func(ctx context.Context) error {
			return s.Run(ctx, func(ctx context.Context) error {
				done := ctx.Done()
				s.SetShield(false)
				<-done
				bubbletest.CheckElapsed(t, "waiting", start, time.Minute)
				return ctx.Err()
			})
		})
		bubbletest.CheckScope(t, "s", &s, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	bubbletest.Run(t, "before a standard context is done, with a goroutine waiting", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		s.SetShield(true)
		s.Run(outside, func(ctx context.Context) error {
			done := ctx.Done()
			s.SetShield(false)
			cancel()
			synctest.Wait() // what context.AfterFunc has started has ended
			if !bubbletest.IsClosed(done) {
				t.Error("Done() is open after the standard context was canceled, want it closed")
			}
			return nil
		})
	})
}

// Item 8 of the contract of scopes.
func TestShieldOverACanceledScope(t *testing.T) {
	t.Run("of a running scope does nothing", func(t *testing.T) {
		outer, s := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := s.Run(ctx, func(ctx context.Context) error {
				outer.Cancel(nil)
				s.SetShield(true)
				checkDone(t, "ctx", ctx, context.Canceled)
				return ctx.Err()
			})
			checkCancellation(t, "s.Run", ctx, err)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	t.Run("of a standard context does nothing", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		s := cancelscope.Scope{Adjustable: true}
		err := s.Run(outside, func(ctx context.Context) error {
			cancel() // unnoticed so far when the shield is raised, and it counts all the same
			s.SetShield(true)
			checkDone(t, "ctx", ctx, context.Canceled)
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, context.Canceled)
	})

	t.Run("before Run it hides the parent", func(t *testing.T) {
		var outer, s cancelscope.Scope
		outer.Cancel(nil)
		s.Cancel(nil)
		s.SetShield(true)
		err := outer.Run(t.Context(), func(ctx context.Context) error { return s.Run(ctx, untilDone) })
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		bubbletest.CheckScope(t, "outer", &outer, true, false)
	})
}

// Item 8 of the contract of scopes.
func TestShield(t *testing.T) {
	// inCanceled runs f in a scope that is canceled and has a value.
	inCanceled := func(t *testing.T, f func(ctx context.Context)) {
		var outer cancelscope.Scope
		outer.Cancel(nil)
		outer.Run(context.WithValue(t.Context(), key("k"), "v"), func(ctx context.Context) error {
			f(ctx)
			return nil
		})
	}

	bubbletest.Run(t, "clean-up in time", func(t *testing.T) {
		inCanceled(t, func(ctx context.Context) {
			err := cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error {
				if got := ctx.Value(key("k")); got != "v" {
					t.Errorf("Value under Shield = %v, want v", got)
				}
				at, ok := ctx.Deadline()
				if want := time.Now().Add(time.Minute); !ok || !at.Equal(want) {
					t.Errorf("Deadline() under Shield = %v, %v, want %v, true", at, ok, want)
				}
				return deadline.Sleep(ctx, time.Second)
			})
			bubbletest.CheckError(t, "Shield", err, nil)
		})
	})
	bubbletest.Run(t, "clean-up cut short", func(t *testing.T) {
		start := time.Now()
		var outer cancelscope.Scope
		outer.SetTimeout(0)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := cancelscope.Shield(ctx, time.Minute, untilDone)
			bubbletest.CheckElapsed(t, "Shield", start, time.Minute)
			bubbletest.CheckTooSlow(t, "Shield", err, cancelscope.TooSlowError{Name: "shield", Limit: time.Minute, Deadline: start.Add(time.Minute)})
			if cancelscope.IsCancellation(ctx, err) {
				t.Errorf("IsCancellation(%v) = true around the shield, want false", err)
			}
			return err
		})
		if got, want := fmt.Sprint(err), "shielded clean-up too slow: limit of 1m0s exceeded"; got != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outer.Run = %q, want the error of Shield, %q", got, want)
		}
	})
	bubbletest.Run(t, "a limit keeps the words of the block", func(t *testing.T) {
		err := cancelscope.Shield(t.Context(), time.Minute, func(ctx context.Context) error {
			return fmt.Errorf("flushing: %w", untilDone(ctx))
		})
		if got, want := fmt.Sprint(err), "flushing: shielded clean-up too slow: limit of 1m0s exceeded"; got != want {
			t.Errorf("Shield = %q, want %q", got, want)
		}
	})
	bubbletest.Run(t, "a negative limit", func(t *testing.T) {
		start, ran := time.Now(), false
		err := cancelscope.Shield(t.Context(), -time.Hour, func(ctx context.Context) error {
			ran = true
			return untilDone(ctx)
		})
		bubbletest.CheckTooSlow(t, "Shield", err, cancelscope.TooSlowError{Name: "shield", Deadline: start})
		bubbletest.CheckElapsed(t, "Shield", start, 0)
		if !ran {
			t.Error("the block did not run, want it to run to its first wait")
		}
	})
	t.Run("a real error", func(t *testing.T) {
		inCanceled(t, func(ctx context.Context) {
			err := cancelscope.Shield(ctx, 0, func(ctx context.Context) error { return errors.Join(ctx.Err(), errBoom) })
			if !errors.Is(err, errBoom) {
				t.Errorf("Shield = %v, want %v", err, errBoom)
			}
		})
	})
}

// A key is a key for values.
type key string
