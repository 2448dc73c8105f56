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

// runCanceled runs a scope that is canceled by hand and whose block returns what
// err makes of its context.
func runCanceled(t *testing.T, err func(ctx context.Context) error) (*cancelscope.Scope, error) {
	s := &cancelscope.Scope{Name: "canceled"}
	s.Cancel(nil)
	return s, s.Run(t.Context(), err)
}

// Item 3 of the contract of scopes.
func TestWhatIsACancellation(t *testing.T) {
	t.Run("the context's own Err", func(t *testing.T) {
		s, err := runCanceled(t, context.Context.Err)
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", s, true, true)
	})

	t.Run("its cause", func(t *testing.T) {
		s, err := runCanceled(t, context.Cause)
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", s, true, true)
	})

	t.Run("the name of the other end", func(t *testing.T) {
		// Such as an HTTP client's own timeout in a scope that is canceled by hand.
		s, err := runCanceled(t, func(context.Context) error { return context.DeadlineExceeded })
		bubbletest.CheckError(t, "Run", err, context.DeadlineExceeded)
		bubbletest.CheckScope(t, "s", s, true, false)

		var expired cancelscope.Scope
		expired.SetTimeout(0)
		err = expired.Run(t.Context(), func(context.Context) error { return context.Canceled })
		bubbletest.CheckError(t, "Run of an expired scope", err, context.Canceled)
		bubbletest.CheckScope(t, "expired", &expired, true, false)
	})

	t.Run("a Canceled of a scope elsewhere", func(t *testing.T) {
		stray := strayCanceled(t)
		s, err := runCanceled(t, func(context.Context) error { return stray })
		bubbletest.CheckError(t, "Run", err, stray)
		bubbletest.CheckScope(t, "s", s, true, false)
	})

	t.Run("a Canceled of a scope inside", func(t *testing.T) {
		s, err := runCanceled(t, func(ctx context.Context) error {
			var inside cancelscope.Scope
			inside.SetShield(true)
			inside.SetTimeout(0)
			inside.Run(ctx, context.Context.Err)
			return inside.Cause()
		})
		bubbletest.CheckCanceled(t, "Run with a shielded scope inside that was cut short", err, cancelscope.ByDeadline)
		bubbletest.CheckScope(t, "s", s, true, false)
	})

	t.Run("by its origin and not by its reason", func(t *testing.T) {
		s := cancelscope.Scope{}
		s.Cancel(errBoom)
		err := s.Run(t.Context(), context.Cause)
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
	})

	t.Run("not while the scope is not canceled", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(context.Context) error { return context.Canceled })
		bubbletest.CheckError(t, "Run", err, context.Canceled)
		bubbletest.CheckScope(t, "s", &s, false, false)
	})

	t.Run("an error that says it is none", func(t *testing.T) {
		report := &failureReport{context.Canceled}
		s, err := runCanceled(t, func(context.Context) error { return report })
		bubbletest.CheckError(t, "Run", err, report)
		bubbletest.CheckScope(t, "s", s, true, false)
	})

	t.Run("an error that is one by its Is method", func(t *testing.T) {
		s, err := runCanceled(t, func(context.Context) error { return fmt.Errorf("dial: %w", canceledLike{}) })
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", s, true, true)
	})
}

// A failureReport wraps a cancellation and is none.
type failureReport struct{ err error }

func (e *failureReport) Error() string      { return "gave up: " + e.err.Error() }
func (e *failureReport) Unwrap() error      { return e.err }
func (e *failureReport) Cancellation() bool { return false }

// canceledLike is context.Canceled by another name, as package net has one.
type canceledLike struct{}

func (canceledLike) Error() string        { return "operation was canceled" }
func (canceledLike) Is(target error) bool { return target == context.Canceled }

// strayCanceled returns the cause of a scope that has nothing to do with any other.
func strayCanceled(t *testing.T) error {
	var cause error
	var s cancelscope.Scope
	s.Cancel(errBang)
	s.Run(t.Context(), func(ctx context.Context) error {
		cause = context.Cause(ctx)
		return nil
	})
	return cause
}

// Item 3 of the contract of scopes.
func TestPassingUpSpeaksTheParentsLanguage(t *testing.T) {
	bubbletest.Run(t, "own leaf replaced by the parent's cause", func(t *testing.T) {
		outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{Name: "inner"}
		inner.SetTimeout(time.Second)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				err := untilDone(ctx) // DeadlineExceeded, which is nothing to outer
				outer.Cancel(nil)
				return errors.Join(errBoom, err, fmt.Errorf("reading: %w", err))
			})
			if errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, context.Cause(ctx)) {
				t.Errorf("inner.Run = %v, want the cause of outer in place of its own", err)
			}
			return err
		})
		if !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outer.Run = %v, want only %v", err, errBoom)
		}
		bubbletest.CheckScope(t, "inner", &inner, true, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})

	t.Run("a cancellation that the parent knows stays as it is", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Cancel(nil)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			wrapped := fmt.Errorf("reading: %w", ctx.Err())
			err := inner.Run(ctx, func(context.Context) error { return wrapped })
			bubbletest.CheckError(t, "inner.Run", err, wrapped)
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
	})

	t.Run("real errors beside it stay", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		outer.Cancel(nil)
		var both error
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				both = errors.Join(ctx.Err(), errBoom)
				return both
			})
			bubbletest.CheckError(t, "inner.Run", err, both)
			return err
		})
		if !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) {
			t.Errorf("outer.Run = %v, want %v alone", err, errBoom)
		}
	})
}

// Item 3 of the contract of scopes.
func TestUsersCanJudge(t *testing.T) {
	var s cancelscope.Scope
	s.Run(t.Context(), func(ctx context.Context) error {
		if cancelscope.IsCancellation(ctx, context.Canceled) {
			t.Error("IsCancellation(ctx, context.Canceled) before Cancel = true, want false")
		}
		s.Cancel(nil)
		checkCancellation(t, "ctx.Err()", ctx, ctx.Err())
		checkCancellation(t, "context.Cause(ctx)", ctx, context.Cause(ctx))
		checkCancellation(t, "both joined", ctx, errors.Join(ctx.Err(), context.Cause(ctx)))
		for _, err := range []error{nil, errBoom, context.DeadlineExceeded, errors.Join(ctx.Err(), errBoom), strayCanceled(t)} {
			if cancelscope.IsCancellation(ctx, err) {
				t.Errorf("IsCancellation(ctx, %v) = true, want false", err)
			}
		}
		canceled, rest := cancelscope.Split(ctx, errors.Join(errBoom, ctx.Err(), errBang, context.Cause(ctx)))
		checkCancellation(t, "Split of a joined error, 1st result", ctx, canceled)
		if !errors.Is(rest, errBoom) || !errors.Is(rest, errBang) || errors.Is(rest, context.Canceled) {
			t.Errorf("Split of a joined error, 2nd result = %v, want %v and %v", rest, errBoom, errBang)
		}
		return nil
	})

	t.Run("under a standard context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		checkCancellation(t, "ctx.Err()", ctx, ctx.Err())
		if cancelscope.IsCancellation(ctx, context.DeadlineExceeded) {
			t.Error("IsCancellation(ctx, context.DeadlineExceeded) = true, want false")
		}
	})
}

// A manyErrors is an error from elsewhere that joins others.
type manyErrors struct{ errs []error }

func (e *manyErrors) Error() string   { return fmt.Sprintf("%d errors", len(e.errs)) }
func (e *manyErrors) Unwrap() []error { return e.errs }

// A derivedErrors knows how to make a copy of itself with other members.
type derivedErrors struct {
	label string
	manyErrors
}

func (e *derivedErrors) Derive(errs []error) error {
	return &derivedErrors{e.label, manyErrors{errs}}
}

// Item 4 of the contract of scopes.
func TestFilteringLeafByLeaf(t *testing.T) {
	t.Run("at any depth", func(t *testing.T) {
		s, err := runCanceled(t, func(ctx context.Context) error {
			return errors.Join(ctx.Err(), errors.Join(errors.Join(context.Cause(ctx), errBoom), ctx.Err()), errBang)
		})
		if got, want := fmt.Sprint(err), "boom\nbang"; got != want {
			t.Errorf("Run = %q, want %q", got, want)
		}
		bubbletest.CheckScope(t, "s", s, true, true)
	})

	t.Run("all leaves", func(t *testing.T) {
		s, err := runCanceled(t, func(ctx context.Context) error {
			return &manyErrors{[]error{ctx.Err(), nil, errors.Join(context.Cause(ctx), ctx.Err())}}
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", s, true, true)
	})

	t.Run("no leaf", func(t *testing.T) {
		both := errors.Join(errBoom, errBang)
		s, err := runCanceled(t, func(context.Context) error { return both })
		bubbletest.CheckError(t, "Run", err, both)
		bubbletest.CheckScope(t, "s", s, true, false)
	})

	t.Run("a chain of wrappers is one leaf", func(t *testing.T) {
		s, err := runCanceled(t, func(ctx context.Context) error {
			return fmt.Errorf("page 3: %w", fmt.Errorf("reading: %w", ctx.Err()))
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", s, true, true)
	})

	t.Run("something real in a chain keeps all of it", func(t *testing.T) {
		var mixed error
		s, err := runCanceled(t, func(ctx context.Context) error {
			mixed = fmt.Errorf("page 3: %w", errors.Join(ctx.Err(), errBoom))
			return mixed
		})
		bubbletest.CheckError(t, "Run", err, mixed)
		bubbletest.CheckScope(t, "s", s, true, false)
	})

	t.Run("two %w", func(t *testing.T) {
		_, err := runCanceled(t, func(ctx context.Context) error {
			return fmt.Errorf("%w while closing: %w", errBoom, ctx.Err())
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("Run = %v, want an error that is %v", err, errBoom)
		}
		if got, want := fmt.Sprint(err), "boom while closing: context canceled"; got != want {
			t.Errorf("Run = %q, want the text %q", got, want)
		}
	})

	t.Run("a type that can be derived", func(t *testing.T) {
		_, err := runCanceled(t, func(ctx context.Context) error {
			return &derivedErrors{"upload", manyErrors{[]error{errBoom, ctx.Err()}}}
		})
		got, ok := err.(*derivedErrors)
		if !ok || got.label != "upload" || len(got.errs) != 1 || got.errs[0] != errBoom {
			t.Errorf("Run = %#v, want a *derivedErrors with the label and %v alone", err, errBoom)
		}
	})

	t.Run("a type that cannot", func(t *testing.T) {
		var whole *manyErrors
		_, err := runCanceled(t, func(ctx context.Context) error {
			whole = &manyErrors{[]error{errBoom, ctx.Err()}}
			return whole
		})
		var found *manyErrors
		if !errors.As(err, &found) || found != whole || !errors.Is(err, errBoom) {
			t.Errorf("Run = %v, want an error that is %v and as %T", err, errBoom, whole)
		}
	})
}
