package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
)

// realAnyway is an error that says of itself that it is no cancellation.
type realAnyway struct{ error }

func (realAnyway) Cancellation() bool { return false }
func (r realAnyway) Unwrap() error    { return r.error }

// several is a multi-error of another type.
type several []error

func (s several) Error() string        { return fmt.Sprintf("%d errors", len(s)) }
func (s several) Unwrap() []error      { return s }
func (s several) Is(target error) bool { return target == errSeveral }

var errSeveral = errors.New("several")

type copied struct{ errs []error }

func (c *copied) Error() string             { return "copied" }
func (c *copied) Unwrap() []error           { return c.errs }
func (c *copied) Derive(errs []error) error { return &copied{errs} }
func wrap(err error) error                  { return fmt.Errorf("wrapped: %w", err) }
func canceledIn(ctx workflow.Context) *cancelscope.Canceled {
	c, _ := cancelscope.Cause(ctx).(*cancelscope.Canceled)
	return c
}

// catalogue: trio/test_run.py::test_cancel_scope_exceptiongroup_filtering
func TestSplit(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var elsewhere, outer, s cancelscope.Scope
		elsewhere.Cancel(nil)
		var foreign error
		_ = elsewhere.Run(ctx, func(ctx workflow.Context) error {
			foreign = cancelscope.Cause(ctx)
			return nil
		})
		_ = outer.Run(ctx, func(ctx workflow.Context) error {
			return s.Run(ctx, func(ctx workflow.Context) error {
				canceledError := temporal.NewCanceledError("details")
				if c, rest := cancelscope.Split(ctx, canceledError); c != nil || rest != canceledError {
					t.Errorf("Split while ctx is not canceled = %v, %v, want nothing canceled", c, rest)
				}
				s.Cancel(nil)
				own := cancelscope.Cause(ctx)
				for _, test := range []struct {
					name           string
					err            error
					canceled, rest string // texts; "" for nil
				}{
					{"nil", nil, "", ""},
					{"the cause", own, "scope canceled", ""},
					{"workflow.ErrCanceled", workflow.ErrCanceled, "canceled", ""},
					{"another CanceledError", canceledError, "canceled", ""},
					{"wrapped", wrap(wrap(canceledError)), "wrapped: wrapped: canceled", ""},
					{"real", errReal, "", "real"},
					{"of another scope", foreign, "", "scope canceled"},
					{"context.Canceled", context.Canceled, "", "context canceled"},
					{"a timeout of an activity", temporal.NewTimeoutError(0, nil), "", "TimeoutError"},
					{"real by its own word", realAnyway{own}, "", "scope canceled"},
					{"joined", errors.Join(errReal, canceledError), "canceled", "real"},
					{"nested", errors.Join(wrap(errReal), errors.Join(own, own)), "scope canceled\nscope canceled", "wrapped: real"},
					{"wrapped above a join, all canceled", wrap(errors.Join(own, own)), "wrapped: scope canceled\nscope canceled", ""},
					{"wrapped above a join", wrap(errors.Join(own, errReal)), "", "wrapped: scope canceled\nreal"},
					{"of another type", several{errReal, own, nil}, "3 errors", "3 errors"},
					{"with Derive", &copied{[]error{own, errReal}}, "copied", "copied"},
				} {
					c, rest := cancelscope.Split(ctx, test.err)
					if text(c) != test.canceled || text(rest) != test.rest && !(test.rest == "TimeoutError" && rest != nil) {
						t.Errorf("%s: Split = %q, %q, want %q, %q", test.name, text(c), text(rest), test.canceled, test.rest)
					}
					if got, want := cancelscope.IsCancellation(ctx, test.err), test.canceled != "" && test.rest == ""; got != want {
						t.Errorf("%s: IsCancellation = %t, want %t", test.name, got, want)
					}
				}
				checkRest(t, ctx, own)
				return nil
			})
		})
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// checkRest checks what is left of errors of other types.
func checkRest(t *testing.T, ctx workflow.Context, own error) {
	_, rest := cancelscope.Split(ctx, several{errReal, own})
	var s several
	if !errors.Is(rest, errSeveral) || !errors.As(rest, &s) || !errors.Is(rest, errReal) || cancelscope.IsCancellation(ctx, rest) {
		t.Errorf("the rest of a multi-error of another type: errors.Is and As do not find it and its members: %v", rest)
	}
	_, rest = cancelscope.Split(ctx, rest)
	if !errors.Is(rest, errSeveral) {
		t.Errorf("the rest of a rest is not found by its identity: %v", rest)
	}
	_, rest = cancelscope.Split(ctx, &copied{[]error{own, errReal}})
	var c *copied
	if !errors.As(rest, &c) || len(c.errs) != 1 {
		t.Errorf("the rest of an error with Derive = %#v, want a copy with one member", rest)
	}
}

// The work of a verdict is bounded, and what was not judged is real.
func TestSplitIsBounded(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			loop := &loop{}
			loop.inner = loop
			if _, rest := cancelscope.Split(ctx, loop); rest != loop {
				t.Errorf("Split of an error that wraps itself = %v, want it as the rest", rest)
			}
			diamond := errors.Join(errReal)
			for range 60 {
				diamond = errors.Join(diamond, diamond)
			}
			if _, rest := cancelscope.Split(ctx, diamond); !errors.Is(rest, errReal) {
				t.Errorf("Split of joins of joins lost the real error")
			}
			return nil
		})
	})
}

type loop struct{ inner error }

func (l *loop) Error() string { return "loop" }
func (l *loop) Unwrap() error { return l.inner }

func TestAsCancellation(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, s cancelscope.Scope
		killed := fmt.Errorf("signal: killed: %w", errReal)
		err := outer.Run(ctx, func(ctx workflow.Context) error {
			return s.Run(ctx, func(ctx workflow.Context) error {
				if got := cancelscope.AsCancellation(ctx, killed); got != killed {
					t.Errorf("AsCancellation while ctx is not canceled = %v, want its argument", got)
				}
				outer.Cancel(nil)
				if got := cancelscope.AsCancellation(ctx, nil); got != nil {
					t.Errorf("AsCancellation of nil = %v, want nil", got)
				}
				return wrap(cancelscope.AsCancellation(ctx, killed))
			})
		})
		if err != nil || !outer.CanceledCaught() {
			t.Errorf("outer Run = %v, want that it absorbs the disguised cancellation", err)
		}
		// To the scopes around the one that was canceled it is not theirs.
		_ = outer.Cause()
		var other cancelscope.Scope
		var disguised error
		_ = other.Run(ctx, func(ctx workflow.Context) error {
			other.Cancel(nil)
			disguised = cancelscope.AsCancellation(ctx, killed)
			return nil
		})
		if text(disguised) != killed.Error() || !errors.Is(disguised, errReal) {
			t.Errorf("AsCancellation = %v, want the text and chain of its argument", disguised)
		}
		var third cancelscope.Scope
		err = third.Run(ctx, func(workflow.Context) error {
			third.Cancel(nil)
			return disguised
		})
		if !errors.Is(err, errReal) || third.CanceledCaught() {
			t.Errorf("Run with the disguised cancellation of another scope = %v, want it as a real error", err)
		}
	})
}

// A cancellation of an inner scope that is passed on becomes the outer one's.
func TestPassUp(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		var outer, inner cancelscope.Scope
		err := outer.Run(ctx, func(ctx workflow.Context) error {
			return inner.Run(ctx, func(ctx workflow.Context) error {
				inner.Cancel(nil)
				outer.Cancel(nil)
				return errors.Join(errReal, canceledIn(ctx))
			})
		})
		if text(err) != "real" || !outer.CanceledCaught() || inner.CanceledCaught() {
			t.Errorf("outer Run = %q, caught by the outer: %t, by the inner: %t, want the real error, true, false",
				text(err), outer.CanceledCaught(), inner.CanceledCaught())
		}
	})
}
