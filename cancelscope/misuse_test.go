package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// noContext is nil in a way that linters let pass.
var noContext context.Context

func TestNilArguments(t *testing.T) {
	ran := false
	run := func(context.Context) error { ran = true; return nil }
	var s cancelscope.Scope
	tests := []struct {
		call, want string
		f          func()
	}{
		{"Run(nil, fn)", "cancelscope: Run with a nil context: pass context.Background() ", func() { _ = s.Run(noContext, run) }},
		{"Run(ctx, nil)", "cancelscope: Run with a nil function: ", func() { _ = s.Run(t.Context(), nil) }},
		{"Shield(nil, 1s, fn)", "cancelscope: ", func() { _ = cancelscope.Shield(noContext, time.Second, run) }},
		{"Shield(ctx, 1s, nil)", "cancelscope: ", func() { _ = cancelscope.Shield(t.Context(), time.Second, nil) }},
	}
	for _, test := range tests {
		bubbletest.CheckPanics(t, test.call, test.want, test.f)
	}
	if ran {
		t.Error("a function ran without a context")
	}
	// A refused call does not use the scope up.
	bubbletest.CheckError(t, "Run after calls that were refused", s.Run(t.Context(), run), nil)
	if !ran {
		t.Error("Run after calls that were refused did not run its function")
	}
}

func TestSecondRun(t *testing.T) {
	const want = "cancelscope: second Run of a Scope: use a new Scope "
	t.Run("while the first one runs", func(t *testing.T) {
		var s cancelscope.Scope
		begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			ended <- s.Run(t.Context(), func(context.Context) error {
				close(begun)
				<-end
				return nil
			})
		}()
		<-begun
		bubbletest.CheckPanics(t, "Run beside Run", want, func() { _ = s.Run(t.Context(), nothing) })
		close(end)
		bubbletest.CheckError(t, "first Run", <-ended, nil)
	})

	t.Run("after one that panicked", func(t *testing.T) {
		var s cancelscope.Scope
		bubbletest.CheckPanics(t, "first Run", "boom", func() {
			_ = s.Run(t.Context(), func(context.Context) error { panic("boom") })
		})
		bubbletest.CheckPanics(t, "second Run", want, func() { _ = s.Run(t.Context(), nothing) })
	})

	t.Run("of a scope that was canceled before", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(nil)
		bubbletest.CheckError(t, "first Run", s.Run(t.Context(), nothing), nil)
		bubbletest.CheckPanics(t, "second Run", want, func() { _ = s.Run(t.Context(), nothing) })
	})

	t.Run("inside a scope inside", func(t *testing.T) {
		var s, inner cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				bubbletest.CheckPanics(t, "Run", want, func() { _ = s.Run(ctx, nothing) })
				return nil
			})
		})
		bubbletest.CheckError(t, "first Run", err, nil)
	})
}

func TestDeadlineMovedLater(t *testing.T) {
	const want = "cancelscope: deadline of a running scope moved to a later time: set Adjustable before Run, "
	later := func(s *cancelscope.Scope) map[string]func() {
		return map[string]func(){
			"SetTimeout(1h)":     func() { s.SetTimeout(time.Hour) },
			"SetDeadline(in 1h)": func() { s.SetDeadline(time.Now().Add(time.Hour)) },
			"SetDeadline(zero)":  func() { s.SetDeadline(time.Time{}) },
		}
	}

	bubbletest.Run(t, "not adjustable", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Minute)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			for call, f := range later(&s) {
				bubbletest.CheckPanics(t, call, want, f)
			}
			bubbletest.CheckPanics(t, "SetDeadline(1ns later)", want, func() { s.SetDeadline(start.Add(time.Minute + 1)) })
			if at, ok := s.Deadline(); !ok || !at.Equal(start.Add(time.Minute)) {
				t.Errorf("Deadline() after moves that were refused = %v, %t, want %v", at, ok, start.Add(time.Minute))
			}
			checkOpen(t, "ctx", ctx)

			// The same again, and earlier, is all right.
			s.SetDeadline(start.Add(time.Minute))
			s.SetTimeout(time.Second)
			bubbletest.CheckPanics(t, "SetTimeout(1m) after SetTimeout(1s)", want, func() { s.SetTimeout(time.Minute) })
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
	})

	bubbletest.Run(t, "adjustable", func(t *testing.T) {
		start := time.Now()
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			for _, f := range later(&s) {
				f()
			}
			s.SetTimeout(time.Minute)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Minute)
	})

	bubbletest.Run(t, "a first deadline is no later one", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.SetDeadline(time.Time{})
			s.SetTimeout(time.Hour)
			return untilDone(ctx)
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckElapsed(t, "Run", start, time.Hour)
	})

	bubbletest.Run(t, "before and after Run", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.SetTimeout(time.Minute)
		s.SetDeadline(time.Time{})
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), nothing), nil)
		for _, f := range later(&s) {
			f()
		}
	})
}

func TestCancelOutsideRun(t *testing.T) {
	reason := errors.New("reason")
	t.Run("before", func(t *testing.T) {
		var s cancelscope.Scope
		s.Cancel(reason)
		s.Cancel(errBoom)
		ran := false
		err := s.Run(t.Context(), func(ctx context.Context) error {
			ran = true
			checkDone(t, "ctx", ctx, context.Canceled)
			if c := causeOf(t, "ctx", ctx, cancelscope.ByCall); c.Reason() != reason {
				t.Errorf("Reason() = %v, want the first one, %v", c.Reason(), reason)
			}
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		if !ran {
			t.Error("Run of a scope that was canceled before did not run its function")
		}
	})

	t.Run("after", func(t *testing.T) {
		var s cancelscope.Scope
		bubbletest.CheckError(t, "Run", s.Run(t.Context(), nothing), nil)
		bubbletest.CheckScope(t, "s", &s, false, false)
		s.Cancel(reason)
		bubbletest.CheckScope(t, "s", &s, true, false)
		bubbletest.CheckError(t, "Cause()", s.Cause(), nil)
	})
}
