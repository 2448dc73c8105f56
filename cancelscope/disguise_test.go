package cancelscope_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// disguises are calls whose errors do not say that they were canceled. Each calls
// running when it waits.
var disguises = []struct {
	name  string
	call  func(ctx context.Context, running func()) error
	found func(err error) bool // what the call returned is in err
}{
	{"command", runCommand, func(err error) bool { _, ok := errors.AsType[*exec.ExitError](err); return ok }},
	{"transaction", runTransaction, func(err error) bool { return errors.Is(err, sql.ErrTxDone) }},
	{"status", callRemotely, func(err error) bool { _, ok := errors.AsType[*statusError](err); return ok }},
}

// Each call is a disguise, or the tests below show nothing.
func TestDisguisesAreReal(t *testing.T) {
	for _, d := range disguises {
		t.Run(d.name, func(t *testing.T) {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				return d.call(ctx, func() { s.Cancel(nil) })
			})
			if !d.found(err) {
				t.Errorf("Run = %v, want what the call returns", err)
			}
			bubbletest.CheckScope(t, "s", &s, true, false)
		})
	}
}

// unmasked makes the call as a user should.
func unmasked(ctx context.Context, call func(ctx context.Context, running func()) error, running func()) error {
	return cancelscope.AsCancellation(ctx, call(ctx, running))
}

func TestAsCancellationInAScope(t *testing.T) {
	for _, d := range disguises {
		t.Run(d.name, func(t *testing.T) {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				bare := d.call(ctx, func() { s.Cancel(nil) })
				err := fmt.Errorf("work: %w", cancelscope.AsCancellation(ctx, bare))
				checkCancellation(t, "AsCancellation", ctx, err)
				if got, want := err.Error(), "work: "+bare.Error(); got != want {
					t.Errorf("AsCancellation(%v) = %q, want the text %q", bare, got, want)
				}
				if !d.found(err) || !errors.Is(err, bare) || !errors.Is(err, context.Canceled) || !errors.Is(err, context.Cause(ctx)) {
					t.Errorf("AsCancellation(%v): errors.Is and errors.As find what it was: %v, %v, what it is: %v, %v, want all",
						bare, d.found(err), errors.Is(err, bare), errors.Is(err, context.Canceled), errors.Is(err, context.Cause(ctx)))
				}
				return err
			})
			bubbletest.CheckError(t, "Run", err, nil)
			bubbletest.CheckScope(t, "s", &s, true, true)
		})
	}
}

// withLimit calls f with longer and longer limits until the call waited when its time
// was up, and not before.
func withLimit(t *testing.T, f func(limit time.Duration, running func())) {
	for limit := 50 * time.Millisecond; ; limit *= 2 {
		ran := false
		f(limit, func() { ran = true })
		if ran {
			return
		}
		if limit > time.Minute {
			t.Fatalf("the call did not begin within %v", limit)
		}
	}
}

func TestAsCancellationUnderLimits(t *testing.T) {
	for _, d := range disguises {
		t.Run(d.name+" under MoveOnAfter", func(t *testing.T) {
			withLimit(t, func(limit time.Duration, running func()) {
				expired, err := deadline.MoveOnAfter(t.Context(), limit, func(ctx context.Context) error {
					return unmasked(ctx, d.call, running)
				})
				if !expired || err != nil {
					t.Errorf("MoveOnAfter = %v, %v, want true, nil", expired, err)
				}
			})
		})
		t.Run(d.name+" under FailAfter", func(t *testing.T) {
			withLimit(t, func(limit time.Duration, running func()) {
				err := deadline.FailAfter(t.Context(), limit, func(ctx context.Context) error {
					return unmasked(ctx, d.call, running)
				})
				if slow, ok := err.(*deadline.TooSlowError); !ok || slow.Limit != limit {
					t.Errorf("FailAfter(%v) = %v, want a TooSlowError", limit, err)
				}
			})
		})
	}
}

func TestAsCancellationBesideAFailure(t *testing.T) {
	for _, d := range disguises {
		t.Run(d.name, func(t *testing.T) {
			waits := make(chan struct{})
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(func(ctx context.Context) error {
						return unmasked(ctx, d.call, func() { waits <- struct{}{} })
					})
				}
				for range 3 {
					<-waits
				}
				return errBoom
			})
			failed, ok := err.(*nursery.Error)
			if !ok || len(failed.Unwrap()) != 1 || !errors.Is(err, errBoom) {
				t.Errorf("nursery.Run = %v, want %v alone", err, errBoom)
			}
		})
	}
}

func TestAsCancellationOfAContextThatIsNotDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range []error{nil, errBoom, context.Canceled, &statusError{statusCanceled, "canceled"}} {
		bubbletest.CheckError(t, fmt.Sprintf("AsCancellation(%v) before the end", err), cancelscope.AsCancellation(ctx, err), err)
	}
	cancel()
	bubbletest.CheckError(t, "AsCancellation(nil)", cancelscope.AsCancellation(ctx, nil), nil)
	bubbletest.CheckError(t, "AsCancellation of what Err returns", cancelscope.AsCancellation(ctx, ctx.Err()), ctx.Err())
}

// AsCancellation comes before everything that the chain of the error says.
func TestAsCancellationOfAnyError(t *testing.T) {
	for name, bare := range map[string]error{
		"that says it is real":  &failureReport{errBoom},
		"of a time limit":       &cancelscope.TooSlowError{},
		"of another cause":      context.DeadlineExceeded,
		"of elsewhere":          strayCanceled(t),
		"that joins others":     errors.Join(errBoom, context.Canceled),
		"that is one already":   fmt.Errorf("read: %w", context.Canceled),
		"that would be endless": endless()["wraps itself"],
	} {
		t.Run(name, func(t *testing.T) {
			_, err := runCanceled(t, func(ctx context.Context) error {
				return errors.Join(errBoom, fmt.Errorf("call: %w", cancelscope.AsCancellation(ctx, bare)))
			})
			if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 1 || joined.Unwrap()[0] != errBoom {
				t.Errorf("Run = %v, want %v alone", err, errBoom)
			}
		})
	}
}

func TestAsCancellationKnowsItsScope(t *testing.T) {
	t.Run("canceled further out", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				outer.Cancel(nil)
				return cancelscope.AsCancellation(ctx, errBang)
			})
			if got, want := fmt.Sprint(err), "bang"; got != want {
				t.Errorf("inner.Run = %q, want %q: it passes it up", got, want)
			}
			return err
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "inner", &inner, false, false)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})
	for _, through := range []string{"", ", seen through a standard context"} {
		t.Run("that ended"+through, func(t *testing.T) {
			var outer, inner cancelscope.Scope
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				var kept error
				inner.Cancel(nil)
				inner.Run(ctx, func(ctx context.Context) error {
					if through != "" {
						var cancel context.CancelFunc
						ctx, cancel = context.WithCancel(ctx)
						defer cancel()
					}
					kept = cancelscope.AsCancellation(ctx, errBang)
					return nil
				})
				outer.Cancel(nil)
				return kept
			})
			if !errors.Is(err, errBang) {
				t.Errorf("outer.Run = %v, want %v: it was a cancellation of another scope", err, errBang)
			}
		})
	}
	t.Run("by a standard context inside", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			between, cancel := context.WithCancelCause(ctx)
			cancel(errBoom)
			err := cancelscope.AsCancellation(between, errBang)
			checkCancellation(t, "AsCancellation", between, err)
			if cancelscope.IsCancellation(ctx, err) {
				t.Error("IsCancellation in the scope = true before that is canceled, want false")
			}
			return err
		})
		if !errors.Is(err, errBang) {
			t.Errorf("Run = %v, want %v", err, errBang)
		}
	})
	t.Run("by the scope, seen through a standard context", func(t *testing.T) {
		var outer, inner cancelscope.Scope
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				between, cancel := context.WithCancel(ctx)
				defer cancel()
				inner.SetTimeout(0)
				<-between.Done()
				err := cancelscope.AsCancellation(between, errBang)
				outer.Cancel(nil)
				return err
			})
		})
		bubbletest.CheckError(t, "outer.Run", err, nil)
		bubbletest.CheckScope(t, "outer", &outer, true, true)
	})
	t.Run("with the cause of a scope elsewhere", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(strayCanceled(t))
		checkCancellation(t, "AsCancellation", ctx, cancelscope.AsCancellation(ctx, errBang))
	})
	t.Run("when its block has ended", func(t *testing.T) {
		var kept context.Context
		new(cancelscope.Scope).Run(t.Context(), func(ctx context.Context) error { kept = ctx; return nil })
		checkCancellation(t, "AsCancellation", kept, cancelscope.AsCancellation(kept, errBang))
	})
}

func TestAsCancellationMisuse(t *testing.T) {
	bubbletest.CheckPanics(t, "AsCancellation", "cancelscope: AsCancellation with a nil context: ", func() {
		cancelscope.AsCancellation(nil, errBoom) //lint:ignore SA1012 what a user may do
	})
}
