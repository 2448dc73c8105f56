package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// Two standard contexts, one above the other: the scope between them must notice
// before the lower one can tell.
func TestCancelReachesScopesBelowSeveralStandardContexts(t *testing.T) {
	nested := func(ctx context.Context, depth int, f func(ctx context.Context)) {
		var nest func(ctx context.Context, n int)
		nest = func(ctx context.Context, n int) {
			if n == 0 {
				f(ctx)
				return
			}
			within(ctx, derivations[2], new(cancelscope.Scope), func(ctx context.Context) { nest(ctx, n-1) })
		}
		nest(ctx, depth)
	}
	for depth := range 4 {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			nested(ctx, depth, func(ctx context.Context) {
				outer.Cancel(errBoom)
				if err := ctx.Err(); err != context.Canceled {
					t.Errorf("Err() after Cancel, %d standard contexts between = %v, want %v", depth, err, context.Canceled)
				}
				checkError(t, "context.Cause", context.Cause(ctx), outer.Cause())
			})
			return nil
		})
	}

	t.Run("at the deadline, before its timer is served", func(t *testing.T) {
		for range rounds {
			synctest.Test(t, func(t *testing.T) {
				var outer cancelscope.Scope
				outer.SetTimeout(time.Second)
				outer.Run(t.Context(), func(ctx context.Context) error {
					nested(ctx, 1, func(ctx context.Context) {
						time.Sleep(time.Second)
						if err := deadline.Sleep(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
							t.Fatalf("Sleep(0) at the deadline = %v, want %v", err, context.DeadlineExceeded)
						}
					})
					return nil
				})
			})
		}
	})
}

func TestSemantics6ParentComesFirst(t *testing.T) {
	// The parent was done before the scope's own deadline passed, or before it was
	// there at all; nobody has looked.
	expire := map[string]func(s *cancelscope.Scope){
		"SetTimeout":  func(s *cancelscope.Scope) { s.SetTimeout(0) },
		"SetDeadline": func(s *cancelscope.Scope) { s.SetDeadline(time.Now().Add(-time.Hour)) },
	}
	for name, expire := range expire {
		t.Run(name+" while it runs", func(t *testing.T) {
			outside, cancel := context.WithCancel(t.Context())
			var s cancelscope.Scope
			s.Run(outside, func(ctx context.Context) error {
				cancel()
				expire(&s)
				checkDone(t, "ctx", ctx, context.Canceled)
				storyOf(t, "s", &s, cancelscope.ByParent)
				return nil
			})
			checkScope(t, "s", &s, true, false)
		})
		t.Run(name+" before", func(t *testing.T) {
			outside, cancel := context.WithCancel(t.Context())
			cancel()
			var s cancelscope.Scope
			expire(&s)
			s.Run(outside, func(ctx context.Context) error {
				checkDone(t, "ctx", ctx, context.Canceled)
				storyOf(t, "s", &s, cancelscope.ByParent)
				return nil
			})
			checkScope(t, "s", &s, true, false)
		})
		inBubble(t, name+" after the parent's deadline", func(t *testing.T) {
			outer, inner := cancelscope.Scope{Name: "outer"}, cancelscope.Scope{Name: "inner"}
			outer.SetTimeout(time.Second)
			outer.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					time.Sleep(time.Minute)
					expire(&inner)
					if c := causeOf(t, "ctx", ctx, cancelscope.ByDeadline); c.Scope() != "outer" {
						t.Errorf("cause began in scope %q, want outer", c.Scope())
					}
					return nil
				})
			})
		})
	}
}

// What comes through a standard context between two scopes is the cause of the outer one,
// the very same, if that is where it comes from.
func TestOuterCauseComesThroughStandardContexts(t *testing.T) {
	for _, cause := range []error{errBoom, nil} {
		outside, cancel := context.WithCancelCause(t.Context())
		var outer, inner cancelscope.Scope
		outer.Run(outside, func(ctx context.Context) error {
			between, stop := context.WithCancel(context.WithValue(ctx, key("k"), 1))
			defer stop()
			return inner.Run(between, func(ctx context.Context) error {
				ctx.Done()
				cancel(cause)
				checkDone(t, "ctx", ctx, context.Canceled)
				checkError(t, "inner.Cause", inner.Cause(), outer.Cause())
				return nil
			})
		})
	}
}

// The cancellation of the parent counts when the block ends, whether or not its timer has
// been served.
func TestParentExpiresWhenTheBlockEnds(t *testing.T) {
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			var outer, inner cancelscope.Scope
			outer.SetTimeout(time.Second)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				between, stop := context.WithCancel(ctx)
				defer stop()
				err := inner.Run(between, func(ctx context.Context) error {
					inner.Cancel(nil)
					time.Sleep(time.Second)
					return ctx.Err()
				})
				if err == nil || inner.CanceledCaught() {
					t.Fatalf("inner.Run = %v, CanceledCaught() = %v; want the cancellation, false", err, inner.CanceledCaught())
				}
				return err
			})
			checkError(t, "outer.Run", err, nil)
		})
	}
}

func TestForeignCauseOfAnotherScope(t *testing.T) {
	// A standard context whose cause happens to be a Canceled from elsewhere, as an
	// error group's would be: its Err counts, not the one of the Canceled.
	stray := cancelscope.Shield(t.Context(), 0, untilDone) // of a deadline
	outside, cancel := context.WithCancelCause(t.Context())
	cancel(stray)
	var s cancelscope.Scope
	err := s.Run(outside, func(ctx context.Context) error {
		checkDone(t, "ctx", ctx, context.Canceled)
		checkError(t, "context.Cause(ctx)", context.Cause(ctx), stray)
		checkError(t, "Reason", storyOf(t, "s", &s, cancelscope.ByParent).Reason(), stray)
		return context.Cause(ctx)
	})
	checkCancellation(t, "Run", outside, err)
	checkError(t, "Run", err, s.Cause())
}

func TestSemantics3TimeoutBetweenIsRealToAScopeCanceledByHand(t *testing.T) {
	for name, result := range map[string]func(ctx context.Context) error{"Err": context.Context.Err, "Cause": context.Cause} {
		inBubble(t, name, func(t *testing.T) {
			var outer, inner cancelscope.Scope
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				between, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				err := inner.Run(between, func(ctx context.Context) error {
					<-ctx.Done()
					return result(ctx)
				})
				outer.Cancel(nil)
				return err
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("outer.Run = %v, want the timeout of the context between: its own Err is Canceled", err)
			}
			checkScope(t, "outer", &outer, true, false)
		})
	}
}

func TestCallerOutsideAllScopesRecognizesItsCancellation(t *testing.T) {
	inBubble(t, "canceled", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		cancel()
		var outer, inner cancelscope.Scope
		err := outer.Run(outside, func(ctx context.Context) error { return inner.Run(ctx, sleepForever) })
		checkCancellation(t, "Run", outside, err)
	})
	inBubble(t, "expired", func(t *testing.T) {
		outside, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var outer, inner cancelscope.Scope
		err := outer.Run(outside, func(ctx context.Context) error {
			inner.Cancel(nil)
			return inner.Run(ctx, func(ctx context.Context) error {
				<-outside.Done()
				return context.Cause(ctx)
			})
		})
		checkCancellation(t, "Run", outside, err)
	})
}

func sleepForever(ctx context.Context) error { return deadline.Sleep(ctx, forever) }

func TestForeignErrIsKeptAsTheReason(t *testing.T) {
	outside := newForeignContext(t.Context())
	outside.cancel(uncomparable{errBoom, context.DeadlineExceeded})
	var s cancelscope.Scope
	s.Run(outside, func(ctx context.Context) error {
		checkDone(t, "ctx", ctx, context.DeadlineExceeded)
		if c := storyOf(t, "s", &s, cancelscope.ByParent); !errors.Is(c, errBoom) {
			t.Errorf("s.Cause() = %v, want what the context outside says", c)
		}
		if err := context.Cause(ctx); !errors.Is(err, errBoom) {
			t.Errorf("context.Cause = %v, want what the context outside says", err)
		}
		return nil
	})
}

// An uncomparable error must not be compared.
type uncomparable []error

func (e uncomparable) Error() string   { return "uncomparable" }
func (e uncomparable) Unwrap() []error { return e }
