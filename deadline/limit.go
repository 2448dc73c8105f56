package deadline

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// MoveOnAfter runs fn in a scope whose deadline is d from now, and returns when fn
// has returned. If the limit cut fn short, so that fn returned a cancellation, the
// cancellation is removed and expired is true; this is not an error. It is Trio's
// move_on_after.
//
// The error is what fn returned otherwise: nil, a real error (also if the time was
// up: clean-up may fail), or the cancellation of ctx, which goes on up. Work that
// finishes although the time is up has not expired. A negative d is taken as zero:
// fn runs to its first wait.
//
// MoveOnAfter panics if ctx or fn is nil. For a limit that can be moved, shielded or
// canceled by hand, use a [cancelscope.Scope].
func MoveOnAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) (expired bool, err error) {
	var s cancelscope.Scope
	s.SetTimeout(d)
	err = runPrivate(ctx, &s, fn)
	return s.CanceledCaught(), err
}

// MoveOnAt is like [MoveOnAfter] with the deadline t. The zero time is no deadline.
func MoveOnAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) (expired bool, err error) {
	var s cancelscope.Scope
	s.SetDeadline(t)
	err = runPrivate(ctx, &s, fn)
	return s.CanceledCaught(), err
}

// FailAfter is like [MoveOnAfter], but if the limit cut fn short it returns a
// [*TooSlowError]. It is Trio's fail_after and asyncio's timeout.
//
// A real error of fn comes out in place of the TooSlowError, and so does the
// cancellation of ctx.
func FailAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) error {
	var s cancelscope.Scope
	s.SetTimeout(d)
	if slow, err := tooSlow(&s, runPrivate(ctx, &s, fn)); !slow {
		return err
	}
	t, _ := s.Deadline()
	return &TooSlowError{Limit: max(d, 0), Deadline: t}
}

// FailAt is like [FailAfter] with the deadline t. The zero time is no deadline.
func FailAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) error {
	start := time.Now()
	var s cancelscope.Scope
	s.SetDeadline(t)
	if slow, err := tooSlow(&s, runPrivate(ctx, &s, fn)); !slow {
		return err
	}
	return &TooSlowError{Limit: max(t.Sub(start), 0), Deadline: t}
}

// FailScope is like [FailAfter] with a scope that the caller has made and whose
// deadline the caller has set, so that the limit can be moved while fn runs,
// shielded, or called off.
//
// Only the deadline makes a TooSlowError. If s was canceled by hand first,
// FailScope returns nil, or the real error of fn, also if the deadline passed after
// that. (Trio raises TooSlowError there; AnyIO does not, and Trio's users asked for
// that.) The scope can be run once.
func FailScope(ctx context.Context, s *cancelscope.Scope, fn func(ctx context.Context) error) error {
	if s == nil {
		panic("deadline: FailScope with a nil scope: use FailAfter if none is needed")
	}
	start := time.Now()
	if slow, err := tooSlow(s, s.Run(ctx, fn)); !slow {
		return err
	}
	t, _ := s.Deadline()
	return &TooSlowError{Name: s.Name, Limit: max(t.Sub(start), 0), Deadline: t}
}

// runPrivate runs fn in s, which nobody else has.
func runPrivate(ctx context.Context, s *cancelscope.Scope, fn func(ctx context.Context) error) error {
	if fn == nil {
		return s.Run(ctx, nil)
	}
	return s.Run(ctx, func(ctx context.Context) error {
		ctx.(tree.Node).Private()
		return fn(ctx)
	})
}

// tooSlow reports whether the deadline of s cut its block short, which ended with err.
func tooSlow(s *cancelscope.Scope, err error) (slow bool, _ error) {
	if err != nil || !s.CanceledCaught() {
		return false, err
	}
	var c *cancelscope.Canceled
	return errors.As(s.Cause(), &c) && c.Kind() == cancelscope.ByDeadline, nil
}
