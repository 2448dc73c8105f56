package deadline_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestSleepLooksAtContextFirst(t *testing.T) {
	bubbletest.Run(t, "canceled", func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errStop)
		for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, year, math.MaxInt64} {
			if err := deadline.Sleep(ctx, d); err != errStop {
				t.Errorf("Sleep(%v) = %v, want the cause %v itself", d, err, errStop)
			}
			if err := deadline.SleepUntil(ctx, start.Add(d)); err != errStop {
				t.Errorf("SleepUntil(now+%v) = %v, want the cause %v itself", d, err, errStop)
			}
		}
		bubbletest.CheckElapsed(t, "what came before", start, 0)
	})

	bubbletest.Run(t, "canceled without a cause", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := deadline.Sleep(ctx, 0); err != context.Canceled {
			t.Errorf("Sleep(0) = %v, want %v itself", err, context.Canceled)
		}
	})
}

func TestSleepIsInterrupted(t *testing.T) {
	bubbletest.Run(t, "by a cancel", func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancelCause(t.Context())
		slept := make(chan error)
		go func() { slept <- deadline.Sleep(ctx, year) }()
		time.Sleep(time.Second)
		synctest.Wait() // the goroutine sleeps
		cancel(errStop)
		if err := <-slept; err != errStop {
			t.Errorf("Sleep = %v, want the cause %v itself", err, errStop)
		}
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
	})

	bubbletest.Run(t, "by a scope", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		time.AfterFunc(time.Second, func() { s.Cancel(errStop) })
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := deadline.SleepUntil(ctx, start.Add(year))
			if err != context.Cause(ctx) || !errors.Is(err, errStop) {
				t.Errorf("SleepUntil = %v, want the cause %v itself", err, context.Cause(ctx))
			}
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "what came before", start, time.Second)
	})

	bubbletest.Run(t, "by a deadline that is moved forward", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		time.AfterFunc(time.Second, func() { s.SetTimeout(time.Second) })
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), sleepFor(year)), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 2*time.Second)
	})

	bubbletest.Run(t, "not by another scope", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		inner.SetTimeout(time.Second)
		err := outer.Run(t.Context(), func(outside context.Context) error {
			return inner.Run(outside, func(context.Context) error {
				return deadline.Sleep(outside, time.Minute)
			})
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, true, false)
	})
}

// Both the sleep and the deadline come to their end at the same instant, and then
// the deadline has passed.
func TestSleepToTheDeadline(t *testing.T) {
	for range 20 { // select would take either
		bubbletest.Run(t, "of a scope", func(t *testing.T) {
			expired, err := deadline.MoveOnAfter(t.Context(), time.Second, sleepFor(time.Second))
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(1s) with Sleep(1s) = %t, %v, want true, nil", expired, err)
			}
			expired, err = deadline.MoveOnAfter(t.Context(), time.Second, sleepFor(time.Second-1))
			if expired || err != nil {
				t.Errorf("MoveOnAfter(1s) with Sleep(1s-1ns) = %t, %v, want false, nil", expired, err)
			}
		})
	}
}

// A deadline counts from the instant it has passed, whether or not there is a
// timer that has been served.
func TestSleepComparesClocks(t *testing.T) {
	bubbletest.Run(t, "before it begins", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			start := time.Now()
			err := deadline.Sleep(ctx, time.Hour)
			bubbletest.CheckCanceled(t, "Sleep(1h)", err, cancelscope.ByDeadline)
			bubbletest.CheckElapsed(t, "what came before", start, 0)
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	bubbletest.Run(t, "one nanosecond before", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second - 1)
			bubbletest.CheckError(t, "Sleep(0)", deadline.Sleep(ctx, 0), nil)
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})
}

// The work may hand its wait to a goroutine of its own, and several may wait.
func TestSleepTogether(t *testing.T) {
	bubbletest.Run(t, "in one scope", func(t *testing.T) {
		const sleepers = 10
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			slept := make(chan error)
			for range sleepers {
				go func() { slept <- deadline.Sleep(ctx, year) }()
			}
			var errs []error
			for range sleepers {
				err := <-slept
				bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByDeadline)
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %t, %v, want true, nil", expired, err)
		}
	})
}
