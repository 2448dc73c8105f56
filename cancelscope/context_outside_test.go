package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// Two standard contexts, one above the other: the scope between them must notice
// before the lower one can pass the cancellation on.
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
				bubbletest.CheckError(t, "context.Cause", context.Cause(ctx), outer.Cause())
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

// Item 6 of the contract of scopes.
func TestParentComesFirst(t *testing.T) {
	// The parent was done before the scope's own deadline passed, or before it was
	// there at all; no code has looked.
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
			bubbletest.CheckScope(t, "s", &s, true, false)
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
			bubbletest.CheckScope(t, "s", &s, true, false)
		})
		bubbletest.Run(t, name+" after the parent's deadline", func(t *testing.T) {
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
				bubbletest.CheckError(t, "inner.Cause", inner.Cause(), outer.Cause())
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
			bubbletest.CheckError(t, "outer.Run", err, nil)
		})
	}
}

// A standard context whose cause happens to be a Canceled from elsewhere, as an error
// group's would be: its own Err and kind count, not those of the Canceled, and what it
// says is a cancellation all the same.
func TestForeignCauseOfAnotherScope(t *testing.T) {
	for name, stray := range map[string]error{
		"by hand":         strayCanceled(t),
		"by a deadline":   strangeCause(),
		"ended":           causeOfEnded(t),
		"in a task error": &nursery.TaskError{Task: "fetch", Err: strangeCause()},
	} {
		for _, wrapped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in a scope: %v", name, wrapped), func(t *testing.T) {
				if !wrapped {
					checkForeignCause(t, t.Context(), stray)
					return
				}
				var around cancelscope.Scope
				around.Run(t.Context(), func(ctx context.Context) error {
					checkForeignCause(t, ctx, stray)
					return nil
				})
			})
		}
	}
}

// causeOfEnded returns the cause in a scope that has ended without a cancellation.
func causeOfEnded(t *testing.T) error {
	var kept context.Context
	new(cancelscope.Scope).Run(t.Context(), func(ctx context.Context) error { kept = ctx; return nil })
	return context.Cause(kept)
}

func checkForeignCause(t *testing.T, parent context.Context, stray error) {
	outside, cancel := context.WithCancelCause(parent)
	s := cancelscope.Scope{Name: "s"}
	err := s.Run(outside, func(ctx context.Context) error {
		if cancelscope.IsCancellation(ctx, stray) {
			t.Errorf("IsCancellation(%v) = true before the context outside is done, want false", stray)
		}
		cancel(stray)
		checkDone(t, "ctx", ctx, context.Canceled)
		if err := context.Cause(ctx); err != stray {
			t.Errorf("context.Cause(ctx) = %v, want the cause outside, %v", err, stray)
		}
		if !cancelscope.IsCancellation(ctx, stray) {
			t.Errorf("IsCancellation in a scope of the cause outside, %v, = false, want true", stray)
		}
		if !cancelscope.IsCancellation(outside, context.Cause(outside)) {
			t.Errorf("IsCancellation outside of the cause there, %v, = false, want true", stray)
		}
		return errors.Join(ctx.Err(), stray)
	})
	checkDone(t, "outside", outside, context.Canceled)
	if _, rest := cancelscope.Split(outside, err); rest != nil {
		t.Errorf("Run = %v, of which Split outside leaves %v", err, rest)
	}
	c, ok := s.Cause().(*cancelscope.Canceled)
	switch {
	case !ok || c.Kind() != cancelscope.ByParent || c.Scope() != "s" || fmt.Sprint(c.Reason()) != stray.Error():
		t.Errorf("Cause() = %#v, want one of kind parent that began in s, with the reason %v", s.Cause(), stray)
	case errors.Is(c, context.DeadlineExceeded):
		t.Errorf("%v is context.DeadlineExceeded, want context.Canceled, as Err says", c)
	}
}

// Outside of all scopes, a cancellation that scopes inside have found is known if
// they were the outermost ones.
func TestCanceledFromOutsideIsJudgedThere(t *testing.T) {
	outside, cancel := context.WithCancel(t.Context())
	var outer, inner cancelscope.Scope
	outer.Run(outside, func(ctx context.Context) error {
		between, cancelBetween := context.WithCancel(ctx)
		inner.Run(between, func(ctx context.Context) error {
			cancelBetween()
			return ctx.Err()
		})
		cancel()
		return ctx.Err()
	})
	for name, c := range map[string]error{"outer": outer.Cause(), "inner": inner.Cause()} {
		bubbletest.CheckCanceled(t, name+".Cause()", c, cancelscope.ByParent)
		if got, want := cancelscope.IsCancellation(outside, c), name == "outer"; got != want {
			t.Errorf("IsCancellation(outside, %s.Cause()) = %v, want %v", name, got, want)
		}
	}
	timeout, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	if cancelscope.IsCancellation(timeout, outer.Cause()) {
		t.Error("IsCancellation of a context with another Err = true, want false")
	}
}

// Item 3 of the contract of scopes.
func TestTimeoutBetweenIsRealToAScopeCanceledByHand(t *testing.T) {
	for name, result := range map[string]func(ctx context.Context) error{"Err": context.Context.Err, "Cause": context.Cause} {
		bubbletest.Run(t, name, func(t *testing.T) {
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
			bubbletest.CheckScope(t, "outer", &outer, true, false)
		})
	}
}

func TestCallerOutsideAllScopesRecognizesItsCancellation(t *testing.T) {
	bubbletest.Run(t, "canceled", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		cancel()
		var outer, inner cancelscope.Scope
		err := outer.Run(outside, func(ctx context.Context) error { return inner.Run(ctx, sleepForever) })
		checkCancellation(t, "Run", outside, err)
	})
	bubbletest.Run(t, "expired", func(t *testing.T) {
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

// A listing is an error that cannot be compared.
type listing []error

func (listing) Error() string { return "listing" }

// TestCauseThatCannotBeCompared cancels a context outside for a reason that is a slice,
// and returns it inside.
func TestCauseThatCannotBeCompared(t *testing.T) {
	for _, cause := range []listing{{errors.New("a")}, {}, nil} {
		outside, cancel := context.WithCancelCause(context.Background())
		var s cancelscope.Scope
		err := s.Run(outside, func(ctx context.Context) error {
			cancel(cause)
			if err := listing([]error{errors.New("other")}); cancelscope.IsCancellation(ctx, err) {
				t.Errorf("IsCancellation(ctx, another slice) = true when the cause is %#v", cause)
			}
			return context.Cause(ctx)
		})
		if err != s.Cause() {
			t.Errorf("Run(…) = %v when the cause is %#v, want %v", err, cause, s.Cause())
		}
	}
}
