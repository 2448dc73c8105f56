package cancelscope_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestContextValues(t *testing.T) {
	type private struct{ n int }
	pointer, other, absent := new(int), new(int), new(int)
	outside := context.WithValue(t.Context(), key("k"), "outside")
	outside = context.WithValue(outside, private{1}, "struct")
	outside = context.WithValue(outside, pointer, "pointer")

	var s, inner cancelscope.Scope
	var ended context.Context
	check := func(when string, ctx context.Context) {
		t.Helper()
		for k, want := range map[any]any{
			key("k"):   "outside",
			key("in"):  "between",
			private{1}: "struct",
			private{2}: nil,
			pointer:    "pointer",
			other:      "between too",
			absent:     nil,
			"k":        nil,
		} {
			if got := ctx.Value(k); got != want {
				t.Errorf("Value(%T %v) %s = %v, want %v", k, k, when, got, want)
			}
		}
	}
	s.Run(outside, func(ctx context.Context) error {
		ctx = context.WithValue(context.WithValue(ctx, key("in"), "between"), other, "between too")
		return inner.Run(ctx, func(ctx context.Context) error {
			ended = ctx
			check("at first", ctx)
			derived, cancel := context.WithCancel(ctx)
			defer cancel()
			check("when standard contexts are attached", ctx)
			check("through a standard context", derived)
			s.Cancel(nil)
			check("when canceled", ctx)
			check("through a standard context that is canceled", derived)
			return nil
		})
	})
	check("after the end", ended)
}

func TestContextErrMeansThatDoneIsClosed(t *testing.T) {
	// A goroutine that sees Err set sees Done closed, also while Cancel still runs.
	for round := range 200 {
		var outer, inner cancelscope.Scope
		outer.Run(t.Context(), func(outside context.Context) error {
			return inner.Run(outside, func(ctx context.Context) error {
				derived, stop := withTimeout(ctx)
				defer stop()
				var wg sync.WaitGroup
				for name, ctx := range map[string]context.Context{"outer": outside, "inner": ctx, "derived": derived} {
					// In every other round Done has not been asked for before.
					held := make(<-chan struct{})
					if round%2 == 0 {
						held = ctx.Done()
					}
					wg.Go(func() {
						for ctx.Err() == nil {
						}
						if round%2 == 0 && !bubbletest.IsClosed(held) {
							t.Errorf("round %d: %s: Err() is not nil and the Done channel of before is open", round, name)
						}
						if !bubbletest.IsClosed(ctx.Done()) {
							t.Errorf("round %d: %s: Err() is not nil and Done() is open", round, name)
						}
						if _, ok := context.Cause(ctx).(*cancelscope.Canceled); !ok {
							t.Errorf("round %d: %s: context.Cause = %v, want a *Canceled", round, name, context.Cause(ctx))
						}
					})
				}
				outer.Cancel(errBoom)
				wg.Wait()
				return nil
			})
		})
	}

	bubbletest.Run(t, "between the two", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		s.Run(t.Context(), func(ctx context.Context) error {
			done, asked := ctx.Done(), make(chan struct{})
			undo := cancelscope.OnPropagation(func() {
				go func() {
					defer close(asked)
					if err := ctx.Err(); err == nil || !bubbletest.IsClosed(done) {
						t.Errorf("while Cancel is on its way: Err() = %v, Done closed: %v; want an error and true", err, bubbletest.IsClosed(done))
					}
				}()
				// The fake clock advances if Err waits.
				select {
				case <-asked:
				case <-time.After(time.Second):
				}
			})
			defer undo()
			s.Cancel(nil)
			<-asked
			return nil
		})
	})

	bubbletest.Run(t, "when clocks show it first", func(t *testing.T) {
		for range rounds {
			var s, inner cancelscope.Scope
			s.SetTimeout(time.Second)
			s.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					done := ctx.Done()
					time.Sleep(time.Second)
					if err := ctx.Err(); err != context.DeadlineExceeded || !bubbletest.IsClosed(done) {
						t.Fatalf("Err() = %v, Done of before closed: %v; want %v, true", err, bubbletest.IsClosed(done), context.DeadlineExceeded)
					}
					return nil
				})
			})
		}
	})
}

func TestContextAfterTheEnd(t *testing.T) {
	bubbletest.Run(t, "of a scope that was not canceled", func(t *testing.T) {
		for _, lazy := range []bool{true, false} {
			var s cancelscope.Scope
			s.SetTimeout(time.Hour)
			var ctx, derived context.Context
			var done <-chan struct{}
			s.Run(t.Context(), func(inside context.Context) error {
				ctx = inside
				if !lazy {
					done = ctx.Done()
					var cancel context.CancelFunc
					derived, cancel = context.WithCancel(ctx)
					t.Cleanup(cancel)
				}
				return nil
			})
			checkDone(t, "ctx", ctx, context.Canceled)
			causeOf(t, "ctx", ctx, cancelscope.ByExit)
			if !lazy {
				if !bubbletest.IsClosed(done) {
					t.Error("the Done channel of before is open, want it closed")
				}
				checkDone(t, "derived", derived, context.Canceled)
				causeOf(t, "derived", derived, cancelscope.ByExit)
			}
			bubbletest.CheckError(t, "s.Cause", s.Cause(), nil)
			time.Sleep(2 * time.Hour)
			checkDone(t, "ctx after the deadline", ctx, context.Canceled)
			bubbletest.CheckScope(t, "s", &s, false, false)
			if at, ok := deadline.Effective(ctx); !ok || !at.IsZero() {
				t.Errorf("Effective after the end = %v, %v, want the zero time, true", at, ok)
			}
		}
	})

	t.Run("of a scope that was canceled", func(t *testing.T) {
		var s cancelscope.Scope
		var ctx context.Context
		s.Cancel(errBoom)
		s.Run(t.Context(), func(inside context.Context) error {
			ctx = inside
			return nil
		})
		checkDone(t, "ctx", ctx, context.Canceled)
		bubbletest.CheckError(t, "context.Cause", context.Cause(ctx), s.Cause())
		bubbletest.CheckError(t, "Reason", causeOf(t, "ctx", ctx, cancelscope.ByCall).Reason(), errBoom)
	})

	t.Run("for scopes that are still inside", func(t *testing.T) {
		var s, left, later cancelscope.Scope
		entered, ended, finish := make(chan context.Context), make(chan error), make(chan struct{})
		var ctx, inside context.Context
		s.Run(t.Context(), func(around context.Context) error {
			ctx = around
			go func() {
				ended <- left.Run(around, func(ctx context.Context) error {
					entered <- ctx
					<-finish
					return ctx.Err()
				})
			}()
			inside = <-entered
			checkOpen(t, "the context of a scope that will be left behind", inside)
			return nil
		})
		checkDone(t, "the context of a scope left behind", inside, context.Canceled)
		causeOf(t, "the context of a scope left behind", inside, cancelscope.ByExit)
		close(finish)
		checkCancellation(t, "Run of a scope left behind", ctx, <-ended)
		bubbletest.CheckScope(t, "a scope left behind", &left, false, false)

		ran := false
		err := later.Run(ctx, func(ctx context.Context) error {
			ran = true
			return untilDone(ctx)
		})
		checkCancellation(t, "Run after the end of the scope around", ctx, err)
		if !ran {
			t.Error("the block of a scope opened too late did not run, want it to run to its first wait")
		}
		if n := cancelscope.Children(&s); n != 0 {
			t.Errorf("%d scopes linked in the end, want 0", n)
		}
	})
}

func TestContextString(t *testing.T) {
	named := cancelscope.Scope{Name: "upload"}
	named.Run(t.Context(), func(ctx context.Context) error {
		if got, want := fmt.Sprint(ctx), "cancelscope.Scope(upload)"; got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
		derived := context.WithValue(ctx, key("k"), "v")
		if got, want := fmt.Sprint(derived), "cancelscope.Scope(upload).WithValue(cancelscope_test.key, v)"; got != want {
			t.Errorf("String() of a derived context = %q, want %q", got, want)
		}
		return nil
	})

	// Under the race detector: printing must not read what others change.
	s := cancelscope.Scope{Adjustable: true}
	s.Run(t.Context(), func(ctx context.Context) error {
		derived, cancel := withTimeout(ctx)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 100 {
				_ = fmt.Sprintf("%v %s %+v", ctx, derived, ctx)
			}
		})
		wg.Go(func() {
			for i := range 100 {
				s.SetShield(i%2 == 0)
				s.SetTimeout(forever - time.Duration(i)*time.Minute)
			}
			s.Cancel(nil)
		})
		wg.Wait()
		return nil
	})
}

func TestLazinessIsNotVisible(t *testing.T) {
	// ask does what makes the scope more than a flag, before anything has happened.
	asks := map[string]func(ctx context.Context){
		"nothing":    func(context.Context) {},
		"Err":        func(ctx context.Context) { _ = ctx.Err() },
		"Done":       func(ctx context.Context) { ctx.Done() },
		"Value":      func(ctx context.Context) { ctx.Value(new(int)) },
		"WithCancel": func(ctx context.Context) { _, cancel := context.WithCancel(ctx); cancel() },
		"inner scopes": func(ctx context.Context) {
			new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error { return ctx.Err() })
		},
	}
	for name, ask := range asks {
		bubbletest.Run(t, name+" asked before", func(t *testing.T) {
			outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{}
			outer.SetTimeout(time.Minute)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					ask(ctx)
					start := time.Now()
					checkOpen(t, "ctx", ctx)
					bubbletest.CheckError(t, "Sleep", deadline.Sleep(ctx, time.Second), nil)
					err := deadline.Sleep(ctx, time.Hour)
					bubbletest.CheckElapsed(t, "both sleeps", start, time.Minute)
					c := bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByDeadline)
					if c.Scope() != "outer" {
						t.Errorf("Sleep was canceled by scope %q, want %q", c.Scope(), "outer")
					}
					checkDone(t, "ctx", ctx, context.DeadlineExceeded)
					return err
				})
			})
			bubbletest.CheckError(t, "Run", err, nil)
			bubbletest.CheckScope(t, "inner", &inner, false, false)
			bubbletest.CheckScope(t, "outer", &outer, true, true)
		})
	}

	t.Run("one channel", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			channels := make(chan (<-chan struct{}), 10)
			var wg sync.WaitGroup
			for range cap(channels) {
				wg.Go(func() { channels <- ctx.Done() })
			}
			wg.Wait()
			s.Cancel(nil)
			for range cap(channels) {
				if got, want := <-channels, ctx.Done(); got != want {
					t.Errorf("Done() = %v, want %v as ever", got, want)
				}
			}
			return nil
		})
	})

	bubbletest.Run(t, "but saves", func(t *testing.T) {
		var s, inner cancelscope.Scope
		s.SetTimeout(time.Hour)
		s.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				_, _, _ = ctx.Err(), ctx.Value(key("k")), context.Cause(ctx)
				ctx.Deadline()
				if cancelscope.Bridged(&s) || cancelscope.Bridged(&inner) || cancelscope.Timers() != 0 {
					t.Errorf("contexts made: %v, %v, timers: %d; want none for scopes that no goroutine waits for",
						cancelscope.Bridged(&s), cancelscope.Bridged(&inner), cancelscope.Timers())
				}
				return nil
			})
		})
	})
}
