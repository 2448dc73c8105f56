package deadline

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/cutshort"
	"github.com/trellis-go/trellis/internal/tree"
)

// MoveOnAfter runs fn in a scope whose deadline is d from now, and returns when fn
// has returned. If the limit cut fn short, so that fn returned a cancellation, the
// cancellation is removed and expired is true; this is not an error.
//
// The error is what fn returned otherwise: nil, a real error (also if the time was
// up: clean-up may fail), or the cancellation of ctx, which the caller must return.
// Work that finishes although the time is up has not expired. A negative d is taken as
// zero: fn runs to its first wait. A limit can only interrupt code that checks its
// context, and [cancelscope.AsCancellation] helps with calls whose errors do not say
// that they were canceled.
//
// MoveOnAfter panics if ctx or fn is nil. For a limit that can be moved, shielded or
// canceled by hand, use a [cancelscope.Scope].
func MoveOnAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) (expired bool, err error) {
	var l limited
	l.scope.SetTimeout(d)
	err = l.run(ctx, "MoveOnAfter", fn)
	return l.scope.CanceledCaught(), err
}

// MoveOnAt is like [MoveOnAfter] with the deadline t. The zero time is no deadline.
func MoveOnAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) (expired bool, err error) {
	var l limited
	l.scope.SetDeadline(t)
	err = l.run(ctx, "MoveOnAt", fn)
	return l.scope.CanceledCaught(), err
}

// FailAfter is like [MoveOnAfter], but if the limit cut fn short it returns a
// [*TooSlowError], which keeps the words that fn put before its cancellation. If fn
// returned a real error as well, or if ctx is canceled too, that is returned in place of
// the TooSlowError: a real error is never hidden by what followed from a limit. This holds
// for all limits of this package.
func FailAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) error {
	var l limited
	l.scope.SetTimeout(d)
	if slow, err := tooSlow(&l.scope, l.run(ctx, "FailAfter", fn)); !slow {
		return err
	}
	t, _ := l.scope.Deadline()
	return &TooSlowError{Limit: max(d, 0), Deadline: t, Cut: cutshort.Words(l.cut)}
}

// Call is [FailAfter] for a function that has a result. It returns the value that fn
// returned, also together with an error: if the limit cut fn short, that is what fn
// returned beside its cancellation, which for most functions is the zero value, and
// the error is a [*TooSlowError]. Call panics if ctx or fn is nil.
func Call[T any](ctx context.Context, d time.Duration, fn func(ctx context.Context) (T, error)) (T, error) {
	if ctx == nil {
		panic("deadline: Call with a nil context: pass context.Background() if there is none")
	}
	if fn == nil {
		panic("deadline: Call with a nil function: there is nothing to run")
	}
	var value T
	err := FailAfter(ctx, d, func(ctx context.Context) (err error) {
		value, err = fn(ctx)
		return err
	})
	return value, err
}

// FailAt is like [FailAfter] with the deadline t. The zero time is no deadline.
func FailAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) error {
	start := time.Now()
	var l limited
	l.scope.SetDeadline(t)
	if slow, err := tooSlow(&l.scope, l.run(ctx, "FailAt", fn)); !slow {
		return err
	}
	return &TooSlowError{Limit: measured(start, t), Deadline: t, Cut: cutshort.Words(l.cut)}
}

// FailScope is like [FailAfter] with a scope that the caller has made and whose
// deadline the caller has set, so that the limit can be moved while fn runs,
// shielded, or called off. The TooSlowError has the name and the Reason of the scope.
//
// Only the deadline makes a TooSlowError. If s was canceled by hand first,
// FailScope returns nil, or the real error of fn, also if the deadline passed after
// that. The scope can be run once. FailScope panics if s is nil, and otherwise as
// [cancelscope.Scope.Run] does.
func FailScope(ctx context.Context, s *cancelscope.Scope, fn func(ctx context.Context) error) error {
	if s == nil {
		panic("deadline: FailScope with a nil scope: use FailAfter if none is needed")
	}
	check(ctx, "FailScope", fn)
	start := time.Now()
	var cut error
	slow, err := tooSlow(s, s.Run(ctx, func(ctx context.Context) error {
		cut = fn(ctx)
		return cut
	}))
	if !slow {
		return err
	}
	t, _ := s.Deadline()
	return &TooSlowError{Name: s.Name, Limit: measured(start, t), Deadline: t, Reason: s.Reason, Cut: cutshort.Words(cut)}
}

// measured returns the time from start to end, zero if it is negative, with three digits:
// the limit of a scope that was entered a little after start reads as it was set.
func measured(start, end time.Time) time.Duration {
	d := max(end.Sub(start), 0)
	digit := time.Nanosecond
	for digit <= d/1000 {
		digit *= 10
	}
	return d.Round(digit)
}

// A limited is a scope that no other code can reach, and what its block returned.
type limited struct {
	scope cancelscope.Scope
	cut   error
}

func (l *limited) run(ctx context.Context, call string, fn func(ctx context.Context) error) error {
	check(ctx, call, fn)
	return l.scope.Run(ctx, func(ctx context.Context) error {
		ctx.(tree.Node).Private()
		l.cut = fn(ctx)
		return l.cut
	})
}

// check panics if an argument of the call is nil.
func check(ctx context.Context, call string, fn func(ctx context.Context) error) {
	if ctx == nil {
		panic("deadline: " + call + " with a nil context: pass context.Background() if there is none")
	}
	if fn == nil {
		panic("deadline: " + call + " with a nil function: there is nothing to run")
	}
}

// tooSlow reports whether the deadline of s cut its block short and nothing else happened.
// err is what the scope made of the error of the block.
func tooSlow(s *cancelscope.Scope, err error) (slow bool, _ error) {
	if err != nil || !s.CanceledCaught() {
		return false, err
	}
	c, ok := s.Cause().(*cancelscope.Canceled)
	return ok && c.Kind() == cancelscope.ByDeadline, nil
}
