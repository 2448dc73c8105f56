package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

var (
	errBroken = errors.New("broken")
	errStop   = errors.New("stop")
)

// The error that the work returns for its cancellation decides what is returned.
func TestLimitCutsShort(t *testing.T) {
	tests := []struct {
		name    string
		work    func(ctx context.Context) error
		cut     bool  // there was a cancellation in the error
		tooSlow bool  // and nothing else
		want    error // the error that is returned otherwise
		words   string
	}{
		{"the cause", func(ctx context.Context) error { return context.Cause(ctx) }, true, true, nil, ""},
		{"Err", func(ctx context.Context) error { return ctx.Err() }, true, true, nil, ""},
		{"Err, wrapped", func(ctx context.Context) error { return fmt.Errorf("work: %w", ctx.Err()) }, true, true, nil, "work"},
		{"both", func(ctx context.Context) error { return errors.Join(ctx.Err(), context.Cause(ctx)) }, true, true, nil, ""},
		{"nothing", func(context.Context) error { return nil }, false, false, nil, ""},
		{"a real error", func(context.Context) error { return errBroken }, false, false, errBroken, ""},
		{"a real error and the cause", func(ctx context.Context) error { return errors.Join(context.Cause(ctx), errBroken) }, true, false, errBroken, ""},
		{"another cancellation", func(context.Context) error { return context.Canceled }, false, false, context.Canceled, ""},
	}
	for _, test := range tests {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			work := func(ctx context.Context) error {
				<-ctx.Done()
				return test.work(ctx)
			}
			at := time.Now().Add(time.Second)
			err := deadline.FailAfter(t.Context(), time.Second, work)
			switch {
			case test.tooSlow:
				bubbletest.CheckTooSlow(t, "FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: at, Cut: test.words})
			case !errors.Is(err, test.want) || errors.Is(err, context.DeadlineExceeded):
				t.Errorf("FailAfter = %v, want %v and no timeout", err, test.want)
			}
			expired, err := deadline.MoveOnAfter(t.Context(), time.Second, work)
			if expired != test.cut || !errors.Is(err, test.want) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("MoveOnAfter = %t, %v, want %t, %v", expired, err, test.cut, test.want)
			}
		})
	}
}

func TestLimitNotReached(t *testing.T) {
	for name, want := range map[string]error{
		"nothing":         nil,
		"a real error":    errBroken,
		"a cancellation":  context.Canceled,
		"another timeout": context.DeadlineExceeded,
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			work := func(context.Context) error { return want }
			if err := deadline.FailAfter(t.Context(), time.Second, work); err != want {
				t.Errorf("FailAfter = %v, want %v itself", err, want)
			}
			if expired, err := deadline.MoveOnAfter(t.Context(), time.Second, work); expired || err != want {
				t.Errorf("MoveOnAfter = %t, %v, want false, %v itself", expired, err, want)
			}
		})
	}
}

func TestLimitUnderCancellation(t *testing.T) {
	bubbletest.Run(t, "that comes first", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errStop)
		err := deadline.FailAfter(ctx, 0, sleepFor(year))
		bubbletest.CheckCanceled(t, "FailAfter", err, cancelscope.ByParent)
		if !errors.Is(err, errStop) {
			t.Errorf("FailAfter = %v, want the cause %v in it", err, errStop)
		}
		expired, err := deadline.MoveOnAfter(ctx, 0, sleepFor(year))
		bubbletest.CheckCanceled(t, "MoveOnAfter", err, cancelscope.ByParent)
		if expired {
			t.Error("MoveOnAfter: expired = true, want false")
		}
	})

	bubbletest.Run(t, "that comes after the limit and before the end of the work", func(t *testing.T) {
		var outer cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			var inner cancelscope.Scope
			inner.SetTimeout(time.Second)
			err := deadline.FailScope(ctx, &inner, func(ctx context.Context) error {
				err := deadline.Sleep(ctx, year)
				bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByDeadline)
				outer.Cancel(errStop)
				return err
			})
			bubbletest.CheckCanceled(t, "FailScope", err, cancelscope.ByCall)
			if !cancelscope.IsCancellation(ctx, err) {
				t.Errorf("IsCancellation(outer, %v) = false, want true", err)
			}
			bubbletest.CheckScope(t, "inner", &inner, true, false)
			return err
		})
		bubbletest.CheckError(t, "outer Run", err, nil)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	bubbletest.Run(t, "with a real error as well", func(t *testing.T) {
		var outer cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
				err := deadline.Sleep(ctx, year)
				outer.Cancel(nil)
				return errors.Join(err, errBroken)
			})
			if canceled, rest := cancelscope.Split(ctx, err); canceled == nil || !errors.Is(rest, errBroken) {
				t.Errorf("Split(FailAfter) = %v, %v, want a cancellation and %v", canceled, rest, errBroken)
			}
			return err
		})
		if !errors.Is(err, errBroken) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outer Run = %v, want %v alone", err, errBroken)
		}
	})

	bubbletest.Run(t, "from a context of the standard library with an earlier deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := deadline.FailAfter(ctx, time.Minute, sleepFor(year))
		if err != context.DeadlineExceeded {
			t.Errorf("FailAfter = %v, want the cause of the context around, %v", err, context.DeadlineExceeded)
		}
		if _, ok := errors.AsType[*deadline.TooSlowError](err); ok {
			t.Errorf("FailAfter = %v, want no TooSlowError: its own limit was not reached", err)
		}
	})

	bubbletest.Run(t, "kept off by a shield", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var s cancelscope.Scope
		s.SetShield(true)
		s.SetTimeout(time.Second)
		at := time.Now().Add(time.Second)
		bubbletest.CheckTooSlow(t, "FailScope", deadline.FailScope(ctx, &s, sleepFor(year)), deadline.TooSlowError{Limit: time.Second, Deadline: at})
	})
}

func TestFailScopeByHand(t *testing.T) {
	bubbletest.Run(t, "before Run", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(0)
		s.Cancel(nil)
		bubbletest.CheckError(t, "FailScope", deadline.FailScope(t.Context(), &s, sleepFor(year)), nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "after the deadline", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			time.Sleep(2 * time.Second) // no call has looked at the clock since the deadline
			s.Cancel(errStop)
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
	})

	bubbletest.Run(t, "with a real error", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.Cancel(nil)
			return errors.Join(deadline.Sleep(ctx, year), errBroken)
		})
		if !errors.Is(err, errBroken) || errors.Is(err, context.Canceled) {
			t.Errorf("FailScope = %v, want %v alone", err, errBroken)
		}
	})

	// The work's own timeout inside a scope that was canceled by hand is not one
	// of the scope.
	bubbletest.Run(t, "with a timeout of the work", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := deadline.FailScope(t.Context(), &s, func(context.Context) error {
			s.Cancel(nil)
			return context.DeadlineExceeded
		})
		if err != context.DeadlineExceeded {
			t.Errorf("FailScope = %v, want %v itself", err, context.DeadlineExceeded)
		}
		bubbletest.CheckScope(t, "s", &s, true, false)
	})
}

func TestFailScopeMoved(t *testing.T) {
	bubbletest.Run(t, "forward", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			bubbletest.CheckError(t, "Sleep", deadline.Sleep(ctx, time.Second), nil)
			s.SetTimeout(time.Second)
			return deadline.Sleep(ctx, year)
		})
		// The limit is what the work has had in all.
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: 2 * time.Second, Deadline: start.Add(2 * time.Second)})
		bubbletest.CheckElapsed(t, "what came before", start, 2*time.Second)
	})

	bubbletest.Run(t, "back, while the work waits", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		time.AfterFunc(time.Second/2, func() { s.SetTimeout(time.Second) })
		err := deadline.FailScope(t.Context(), &s, sleepFor(year))
		want := 1500 * time.Millisecond
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: want, Deadline: start.Add(want)})
		bubbletest.CheckElapsed(t, "what came before", start, want)
	})

	bubbletest.Run(t, "set while the work runs", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.SetDeadline(start.Add(time.Second))
			return deadline.Sleep(ctx, year)
		})
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)})
	})

	// What is moved when it has passed was the limit all the same.
	for name, move := range map[string]func(s *cancelscope.Scope){
		"too late":                func(s *cancelscope.Scope) { s.SetTimeout(time.Hour) },
		"too late, and lifted":    func(s *cancelscope.Scope) { s.SetDeadline(time.Time{}) },
		"too late, to the past":   func(s *cancelscope.Scope) { s.SetDeadline(time.Now().Add(-1500 * time.Millisecond)) },
		"too late, several times": func(s *cancelscope.Scope) { s.SetTimeout(time.Hour); s.SetTimeout(time.Minute) },
	} {
		for _, noticed := range []bool{false, true} {
			bubbletest.Run(t, name, func(t *testing.T) {
				start := time.Now()
				s := cancelscope.Scope{Adjustable: true}
				s.SetTimeout(time.Second)
				err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
					if noticed {
						<-ctx.Done()
					}
					time.Sleep(time.Until(start.Add(2 * time.Second)))
					move(&s)
					return ctx.Err()
				})
				bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)})
				if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(time.Second)) {
					t.Errorf("Deadline() = %v, %v, want the one that has passed, %v", at, ok, start.Add(time.Second))
				}
			})
		}
	}

	bubbletest.Run(t, "into the past", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.SetDeadline(start.Add(-time.Hour))
			return deadline.Sleep(ctx, year)
		})
		bubbletest.CheckTooSlow(t, "FailScope", err, deadline.TooSlowError{Deadline: start.Add(-time.Hour)})
		bubbletest.CheckElapsed(t, "what came before", start, 0)
	})
}

// The context of a limit is like one of context.WithTimeout.
func TestLimitContext(t *testing.T) {
	type key struct{}
	bubbletest.Run(t, "inside", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		outer := context.WithValue(t.Context(), key{}, "value")
		var kept context.Context
		err := deadline.FailAt(outer, at, func(ctx context.Context) error {
			kept = ctx
			if got, ok := ctx.Deadline(); !ok || !got.Equal(at) {
				t.Errorf("ctx.Deadline() = %v, %t, want %v", got, ok, at)
			}
			if got := ctx.Value(key{}); got != "value" {
				t.Errorf("ctx.Value(key) = %v, want value", got)
			}
			bubbletest.CheckError(t, "ctx.Err()", ctx.Err(), nil)
			<-ctx.Done()
			if ctx.Err() != context.DeadlineExceeded {
				t.Errorf("ctx.Err() = %v, want %v itself", ctx.Err(), context.DeadlineExceeded)
			}
			return nil
		})
		bubbletest.CheckError(t, "FailAt", err, nil)
		if kept.Err() != context.DeadlineExceeded {
			t.Errorf("ctx.Err() after the end = %v, want %v", kept.Err(), context.DeadlineExceeded)
		}
	})
}

func TestLimitLeavesOnPanic(t *testing.T) {
	bubbletest.Run(t, "panic", func(t *testing.T) {
		var kept context.Context
		func() {
			defer func() {
				if got := recover(); got != "boom" {
					t.Errorf("FailAfter: panic with %v, want boom", got)
				}
			}()
			_ = deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
				kept = ctx
				panic("boom")
			})
		}()
		if kept.Err() != context.Canceled {
			t.Errorf("ctx.Err() after a panic = %v, want %v", kept.Err(), context.Canceled)
		}
	})

	bubbletest.Run(t, "Goexit", func(t *testing.T) {
		var kept context.Context
		ended, returned := make(chan struct{}), false
		go func() {
			defer close(ended)
			_, _ = deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
				kept = ctx
				runtime.Goexit()
				return nil
			})
			returned = true
		}()
		<-ended
		if returned || kept.Err() != context.Canceled {
			t.Errorf("after a Goexit: MoveOnAfter returned %t, ctx.Err() = %v, want false, %v", returned, kept.Err(), context.Canceled)
		}
	})
}

// Deadlines that no clock of 64 bits can count to.
func TestLimitExtremes(t *testing.T) {
	never := map[string]time.Time{
		"the year 9999": time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		"the last time": time.Unix(1<<62, 0),
	}
	past := map[string]time.Time{
		"the epoch":      time.Unix(0, 0),
		"the first year": time.Time{}.Add(1),
		"the first time": time.Unix(-1<<62, 0),
	}
	check := func(t *testing.T) {
		for name, at := range never {
			err := deadline.FailAt(context.Background(), at, func(ctx context.Context) error {
				wantEffective(t, name, ctx, at)
				ctx.Done()
				return deadline.Sleep(ctx, 0)
			})
			bubbletest.CheckError(t, "FailAt "+name, err, nil)
		}
		for name, at := range past {
			bubbletest.CheckTooSlow(t, "FailAt "+name, deadline.FailAt(context.Background(), at, sleepFor(year)), deadline.TooSlowError{Deadline: at})
		}
		err := deadline.FailAfter(context.Background(), math.MaxInt64, func(ctx context.Context) error {
			ctx.Done()
			return deadline.Sleep(ctx, 0)
		})
		bubbletest.CheckError(t, "FailAfter(max)", err, nil)
		expired, err := deadline.MoveOnAfter(context.Background(), math.MinInt64, sleepFor(year))
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(min) = %t, %v, want true, nil", expired, err)
		}
	}
	t.Run("real time", check)
	bubbletest.Run(t, "fake time", check)
}
