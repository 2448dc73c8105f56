package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Members that are nil count for nothing, and an error with such members stays the
// same value where nothing is removed.
func TestMembersThatAreNil(t *testing.T) {
	for name, test := range map[string]struct {
		whole    error
		canceled bool
	}{
		"beside a cancellation":           {&manyErrors{[]error{nil, context.Canceled, nil}}, true},
		"beside cancellations in a chain": {fmt.Errorf("all: %w", &manyErrors{[]error{nil, context.Canceled}}), true},
		"beside a real error":             {&manyErrors{[]error{nil, errBoom}}, false},
		"alone":                           {&manyErrors{[]error{nil, nil}}, false},
		"not even one":                    {&manyErrors{}, false},
		"alone, below a wrapper":          {fmt.Errorf("all: %w", &manyErrors{[]error{nil}}), false},
		"alone, in a join":                {errors.Join(&manyErrors{[]error{nil}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			canceled, rest := error(nil), test.whole
			if test.canceled {
				canceled, rest = rest, canceled
			}
			s, err := runCanceled(t, func(ctx context.Context) error {
				gotCanceled, gotRest := cancelscope.Split(ctx, test.whole)
				bubbletest.CheckError(t, "canceled part of Split", gotCanceled, canceled)
				bubbletest.CheckError(t, "rest of Split", gotRest, rest)
				return test.whole
			})
			bubbletest.CheckError(t, "Run", err, rest)
			bubbletest.CheckScope(t, "s", s, true, test.canceled)
		})
	}
	t.Run("beside both", func(t *testing.T) {
		_, err := runCanceled(t, func(context.Context) error {
			return &derivedErrors{"upload", manyErrors{[]error{nil, context.Canceled, nil, errBoom}}}
		})
		if e, ok := err.(*derivedErrors); !ok || len(e.errs) != 1 || e.errs[0] != errBoom {
			t.Errorf("Run = %#v, want a *derivedErrors with %v alone", err, errBoom)
		}
	})
}

// A claimingJoin joins others and claims to be something by a method of its own.
type claimingJoin struct {
	manyErrors
	what error
}

func (e *claimingJoin) Is(target error) bool { return target == e.what }
func (e *claimingJoin) As(target any) bool {
	p, ok := target.(**claimingError)
	if ok {
		*p = &claimingError{e.what}
	}
	return ok
}

// An errorList is a multi-error of a kind that cannot be compared.
type errorList []error

func (e errorList) Error() string   { return fmt.Sprintf("list of %d", len(e)) }
func (e errorList) Unwrap() []error { return e }

// A multi-error that has lost some of its members is still found, itself and by its
// methods, with the members that remain and without those that are gone.
func TestMultiErrorsOfOtherTypesAreFoundWhenDivided(t *testing.T) {
	divide := func(t *testing.T, whole error) error {
		_, err := runCanceled(t, func(ctx context.Context) error { return fmt.Errorf("%w, %w", whole, context.Canceled) })
		if errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) || errors.Is(err, errBang) {
			t.Errorf("Run = %v: errors.Is finds context.Canceled: %v, %v: %v, %v: %v, want false, true, false",
				err, errors.Is(err, context.Canceled), errBoom, errors.Is(err, errBoom), errBang, errors.Is(err, errBang))
		}
		return err
	}
	t.Run("by identity", func(t *testing.T) {
		whole := &manyErrors{[]error{context.Canceled, errBoom}}
		err := divide(t, whole)
		if !errors.Is(err, whole) || errors.Is(err, &manyErrors{}) {
			t.Errorf("errors.Is finds the whole in %v: %v, another of its type: %v, want true, false", err, errors.Is(err, whole), errors.Is(err, &manyErrors{}))
		}
		found, ok := errors.AsType[*manyErrors](err)
		if !ok || found != whole {
			t.Errorf("errors.As finds %v in %v, want the whole", found, err)
		}
		if _, ok := errors.AsType[*derivedErrors](err); ok {
			t.Errorf("errors.As finds a *derivedErrors in %v, want none", err)
		}
	})
	t.Run("by its methods", func(t *testing.T) {
		whole := &claimingJoin{manyErrors{[]error{context.Canceled, errBoom}}, errBang}
		_, err := runCanceled(t, func(ctx context.Context) error { return whole })
		claimed, ok := errors.AsType[*claimingError](err)
		if !errors.Is(err, errBang) || !ok || claimed.what != errBang {
			t.Errorf("Run = %v: errors.Is finds what the whole claims: %v, errors.As: %v, want both", err, errors.Is(err, errBang), ok)
		}
	})
	t.Run("of a type that cannot be compared", func(t *testing.T) {
		err := divide(t, errorList{context.Canceled, errBoom})
		if errors.Is(err, errorList{}) {
			t.Errorf("errors.Is finds an errorList in %v, want none: they cannot be compared", err)
		}
		if found, ok := errors.AsType[errorList](err); !ok || len(found) != 2 {
			t.Errorf("errors.As finds %v in %v, want the whole", found, err)
		}
	})
	t.Run("divided twice", func(t *testing.T) {
		whole := &manyErrors{[]error{context.Canceled, context.DeadlineExceeded, errBoom}}
		var outer, inner cancelscope.Scope
		outer.SetTimeout(0)
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			inner.SetShield(true)
			inner.Cancel(nil)
			return inner.Run(ctx, func(context.Context) error { return whole })
		})
		if !errors.Is(err, whole) || !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run = %v, want an error that is the whole and %v, and no cancellation", err, errBoom)
		}
		if got, want := fmt.Sprint(err), whole.Error(); got != want {
			t.Errorf("Run = %q, want the text %q", got, want)
		}
	})
	t.Run("whose Derive gives nil", func(t *testing.T) {
		whole := &derivingError{[]error{context.Canceled, errBoom}, true}
		err := divide(t, whole)
		if !errors.Is(err, whole) {
			t.Errorf("errors.Is does not find the whole in %v", err)
		}
	})
}

// An error that could wrap another but does not is asked itself.
func TestEndOfAChain(t *testing.T) {
	for name, test := range map[string]struct {
		err      error
		canceled bool
	}{
		"that wraps nothing":                    {&looped{}, false},
		"that wraps nothing and claims":         {&claimingWrapper{what: context.Canceled}, true},
		"that wraps nothing and claims another": {&claimingWrapper{what: context.DeadlineExceeded}, false},
		"that wraps something real and claims":  {&claimingWrapper{errBoom, context.Canceled}, false},
		"that joins nothing and claims":         {&claimingJoin{manyErrors{}, context.Canceled}, true},
		"that joins something and claims":       {&claimingJoin{manyErrors{[]error{errBoom}}, context.Canceled}, false},
	} {
		for way, err := range map[string]error{"bare": test.err, "wrapped": fmt.Errorf("dial: %w", test.err)} {
			s, got := runCanceled(t, func(context.Context) error { return err })
			if (got == nil) != test.canceled || !test.canceled && got != err {
				t.Errorf("Run of an error %s, %s, = %v, want canceled: %v", name, way, got, test.canceled)
			}
			bubbletest.CheckScope(t, name, s, true, test.canceled)
		}
	}
}

type claimingWrapper struct{ inner, what error }

func (e *claimingWrapper) Error() string        { return "claiming wrapper" }
func (e *claimingWrapper) Unwrap() error        { return e.inner }
func (e *claimingWrapper) Is(target error) bool { return target == e.what }
