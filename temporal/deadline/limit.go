package deadline

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
)

// A TooSlowError is returned by [FailAfter], [FailAt], [FailScope] and [Call] when the time
// limit cut the work short.
type TooSlowError = cancelscope.TooSlowError

// MoveOnAfter runs fn in a scope whose deadline is d from now, and returns when fn has
// returned. If the limit cut fn short, so that fn returned a cancellation, the cancellation
// is removed and expired is true; this is not an error.
//
// The error is what fn returned otherwise: nil, a real error (also if the time was up:
// clean-up may fail), or the cancellation of ctx. A negative d is taken as zero: fn runs to
// its first wait.
//
// MoveOnAfter panics if ctx or fn is nil. For a limit that can be moved, shielded or canceled
// by hand, use a [cancelscope.Scope].
func MoveOnAfter(ctx workflow.Context, d time.Duration, fn func(ctx workflow.Context) error) (expired bool, err error) {
	var s cancelscope.Scope
	s.SetTimeout(d)
	err = s.Run(ctx, fn)
	return s.CanceledCaught(), err
}

// MoveOnAt is like [MoveOnAfter] with the deadline t. The zero time is no deadline.
func MoveOnAt(ctx workflow.Context, t time.Time, fn func(ctx workflow.Context) error) (expired bool, err error) {
	var s cancelscope.Scope
	s.SetDeadline(t)
	err = s.Run(ctx, fn)
	return s.CanceledCaught(), err
}

// FailAfter is like [MoveOnAfter], but if the limit cut fn short it returns a
// [*TooSlowError]. A real error of fn is returned in place of the TooSlowError, and so is the
// cancellation of ctx.
func FailAfter(ctx workflow.Context, d time.Duration, fn func(ctx workflow.Context) error) error {
	var s cancelscope.Scope
	s.SetTimeout(d)
	return FailScope(ctx, &s, fn)
}

// FailAt is like [FailAfter] with the deadline t. The zero time is no deadline.
func FailAt(ctx workflow.Context, t time.Time, fn func(ctx workflow.Context) error) error {
	var s cancelscope.Scope
	s.SetDeadline(t)
	return FailScope(ctx, &s, fn)
}

// FailScope is like [FailAfter] with a scope that the caller has made and whose deadline the
// caller has set, so that the limit can be moved while fn runs, shielded, or called off. The
// TooSlowError has the scope's Reason.
//
// Only the deadline makes a TooSlowError. If s was canceled by hand first, FailScope returns
// nil, or the real error of fn, also if the deadline passed after that. The scope can be run
// once. FailScope panics if s is nil.
func FailScope(ctx workflow.Context, s *cancelscope.Scope, fn func(ctx workflow.Context) error) error {
	if s == nil {
		panic("deadline: FailScope with a nil scope: use FailAfter if none is needed")
	}
	if fn == nil {
		panic("deadline: nil function: there is nothing to run")
	}
	var start time.Time
	err := s.Run(ctx, func(inner workflow.Context) error {
		start = workflow.Now(inner)
		return fn(inner)
	})
	if err != nil || !s.CanceledCaught() {
		return err
	}
	if c, ok := s.Cause().(*cancelscope.Canceled); !ok || c.Kind() != cancelscope.ByDeadline {
		return nil
	}
	t, _ := s.Deadline()
	return &TooSlowError{Name: s.Name, Limit: max(t.Sub(start), 0), Deadline: t, Reason: s.Reason}
}

// Call is [FailAfter] for a function with a result. If the error is not nil, the result is
// the zero value.
func Call[T any](ctx workflow.Context, d time.Duration, fn func(ctx workflow.Context) (T, error)) (T, error) {
	if fn == nil {
		panic("deadline: Call with a nil function: there is nothing to run")
	}
	var value T
	err := FailAfter(ctx, d, func(ctx workflow.Context) (err error) {
		value, err = fn(ctx)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}
