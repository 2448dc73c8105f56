package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// rounds is how often a test repeats what has two orders, when bubbles choose one of
// them at random: timers of the same instant.
const rounds = 64

// Item 9 of the contract of scopes.
func TestPastDeadline(t *testing.T) {
	enter := func(t *testing.T, s *cancelscope.Scope) {
		t.Helper()
		ran := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ran = true
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		if !ran {
			t.Error("the block did not run, want it to run to its first wait")
		}
		bubbletest.CheckScope(t, "s", s, true, true)
	}
	bubbletest.Run(t, "at entry", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetDeadline(time.Now().Add(-time.Hour))
		enter(t, &s)
	})
	bubbletest.Run(t, "at entry, exactly now", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetDeadline(time.Now())
		enter(t, &s)
	})
	bubbletest.Run(t, "at entry, by a timeout of zero", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(0)
		enter(t, &s)
	})
	bubbletest.Run(t, "at entry, by a negative timeout", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(-time.Hour)
		enter(t, &s)
	})
	bubbletest.Run(t, "set while it runs", func(t *testing.T) {
		for name, expire := range map[string]func(s *cancelscope.Scope){
			"SetDeadline":         func(s *cancelscope.Scope) { s.SetDeadline(time.Now().Add(-time.Hour)) },
			"SetTimeout":          func(s *cancelscope.Scope) { s.SetTimeout(0) },
			"negative SetTimeout": func(s *cancelscope.Scope) { s.SetTimeout(-1) },
		} {
			var s, inner cancelscope.Scope
			s.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					checkOpen(t, "ctx before "+name, ctx)
					expire(&s)
					checkDone(t, "ctx after "+name, ctx, context.Canceled)
					causeOf(t, "ctx after "+name, ctx, cancelscope.ByDeadline)
					if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("context.Cause(ctx) after %s = %v, want the deadline", name, err)
					}
					return nil
				})
			})
			bubbletest.CheckScope(t, "s", &s, true, false)
		}
	})
}

// Item 9 of the contract of scopes.
func TestClocksAreCompared(t *testing.T) {
	bubbletest.Run(t, "without any timer", func(t *testing.T) {
		var s, inner cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				time.Sleep(time.Second)
				if n := cancelscope.Timers(); n != 0 {
					t.Errorf("%d timers in scopes that no goroutine waits for, want 0", n)
				}
				if err := ctx.Err(); err != context.DeadlineExceeded {
					t.Errorf("Err() at the deadline = %v, want %v", err, context.DeadlineExceeded)
				}
				return deadline.Sleep(ctx, 0)
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "a nanosecond before", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second - 1)
			checkOpen(t, "ctx", ctx)
			return nil
		})
		bubbletest.CheckScope(t, "s", &s, false, false)
	})

	t.Run("before the timer is served", func(t *testing.T) {
		for range rounds {
			synctest.Test(t, func(t *testing.T) {
				var s, inner cancelscope.Scope
				s.SetTimeout(time.Second)
				s.Run(t.Context(), func(ctx context.Context) error {
					return inner.Run(ctx, func(ctx context.Context) error {
						ctx.Done() // now there is a timer
						if n := cancelscope.Timers(); n != 1 {
							t.Fatalf("%d timers in scopes that a goroutine waits for, want 1", n)
						}
						time.Sleep(time.Second)
						// Of what else is due now, any part may have run.
						if err := deadline.Sleep(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
							t.Fatalf("Sleep(0) at the deadline = %v, want %v", err, context.DeadlineExceeded)
						}
						return nil
					})
				})
			})
		}
	})

	bubbletest.Run(t, "by methods of the scope", func(t *testing.T) {
		var s, inner cancelscope.Scope
		s.SetTimeout(time.Second)
		inner.SetShield(true)
		s.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				time.Sleep(time.Second)
				if !s.CancelCalled() {
					t.Error("CancelCalled() at the deadline = false, want true")
				}
				bubbletest.CheckCanceled(t, "s.Cause()", s.Cause(), cancelscope.ByDeadline)
				checkOpen(t, "the context under a shield", ctx)
				return nil
			})
		})
	})

	bubbletest.Run(t, "before the deadline is moved away", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			s.SetTimeout(time.Hour) // no call has noticed that it has passed, and it counts all the same
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
			return nil
		})
		bubbletest.CheckScope(t, "s", &s, true, false)
	})
}

// Item 9 of the contract of scopes.
func TestDeadlineOfARunningScope(t *testing.T) {
	// wait runs a scope whose deadline move moves while a goroutine waits, and
	// returns how long the wait took.
	wait := func(t *testing.T, s *cancelscope.Scope, move func()) time.Duration {
		start := time.Now()
		var inner cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				done := ctx.Done()
				move()
				<-done
				return ctx.Err()
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		return time.Since(start)
	}
	check := func(t *testing.T, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("the wait ended after %v, want %v", got, want)
		}
	}

	bubbletest.Run(t, "brought forward", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		check(t, wait(t, &s, func() { s.SetTimeout(time.Minute) }), time.Minute)
	})
	bubbletest.Run(t, "set where there was none", func(t *testing.T) {
		var s cancelscope.Scope
		check(t, wait(t, &s, func() { s.SetDeadline(time.Now().Add(time.Minute)) }), time.Minute)
	})
	bubbletest.Run(t, "pushed back", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Minute)
		check(t, wait(t, &s, func() { s.SetTimeout(time.Hour) }), time.Hour)
	})
	bubbletest.Run(t, "pushed back and brought forward", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Minute)
		check(t, wait(t, &s, func() {
			s.SetTimeout(time.Hour)
			s.SetTimeout(time.Second)
		}), time.Second)
	})
	bubbletest.Run(t, "pushed back again and again", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(2 * time.Second)
		check(t, wait(t, &s, func() {
			for range 5 {
				time.Sleep(time.Second)
				s.SetTimeout(2 * time.Second)
			}
		}), 7*time.Second)
	})
	bubbletest.Run(t, "lifted", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Minute)
		check(t, wait(t, &s, func() {
			s.SetDeadline(time.Time{})
			if at, ok := s.Deadline(); ok {
				t.Errorf("Deadline() of a lifted deadline = %v, want none", at)
			}
			time.AfterFunc(time.Hour, func() { s.Cancel(nil) })
		}), time.Hour)
	})
	bubbletest.Run(t, "of the scope outside, pushed back behind that of the one inside", func(t *testing.T) {
		outer := cancelscope.Scope{Adjustable: true}
		var inner cancelscope.Scope
		outer.SetTimeout(time.Minute)
		inner.SetTimeout(time.Hour)
		start := time.Now()
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				done := ctx.Done()
				outer.SetTimeout(2 * time.Hour)
				<-done
				return ctx.Err()
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Hour)
		bubbletest.CheckScope(t, "inner", &inner, true, true)
		bubbletest.CheckScope(t, "outer", &outer, false, false)
	})
	bubbletest.Run(t, "after the end", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(context.Context) error { return nil })
		s.SetTimeout(time.Hour) // later, but nothing to object to any more
		s.SetDeadline(time.Now().Add(-time.Hour))
		time.Sleep(time.Minute)
		bubbletest.CheckScope(t, "s", &s, false, false)
		if n := cancelscope.Timers(); n != 0 {
			t.Errorf("%d timers after the end, want 0", n)
		}
	})
}
