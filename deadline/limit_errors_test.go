package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// limits are all ways to run work with a limit of a second.
var limits = map[string]func(ctx context.Context, work func(ctx context.Context) error) error{
	"MoveOnAfter": func(ctx context.Context, work func(ctx context.Context) error) error {
		_, err := deadline.MoveOnAfter(ctx, time.Second, work)
		return err
	},
	"MoveOnAt": func(ctx context.Context, work func(ctx context.Context) error) error {
		_, err := deadline.MoveOnAt(ctx, time.Now().Add(time.Second), work)
		return err
	},
	"FailAfter": func(ctx context.Context, work func(ctx context.Context) error) error {
		return deadline.FailAfter(ctx, time.Second, work)
	},
	"FailScope with a Reason": func(ctx context.Context, work func(ctx context.Context) error) error {
		s := cancelscope.Scope{Reason: errStop}
		s.SetTimeout(time.Second)
		return deadline.FailScope(ctx, &s, work)
	},
	"FailAt": func(ctx context.Context, work func(ctx context.Context) error) error {
		return deadline.FailAt(ctx, time.Now().Add(time.Second), work)
	},
	"FailScope": func(ctx context.Context, work func(ctx context.Context) error) error {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		return deadline.FailScope(ctx, &s, work)
	},
	"Call": func(ctx context.Context, work func(ctx context.Context) error) error {
		value, err := deadline.Call(ctx, time.Second, func(ctx context.Context) (int, error) { return 7, work(ctx) })
		if value != 7 {
			return errors.Join(err, errors.New("Call has lost the value"))
		}
		return err
	},
}

// Every limit returns what its work returned, unless that is a cancellation by the
// limit.
func TestLimitsReturnTheError(t *testing.T) {
	for name, limited := range limits {
		bubbletest.Run(t, name, func(t *testing.T) {
			for _, want := range []error{nil, errBroken, context.Canceled, context.DeadlineExceeded} {
				if err := limited(t.Context(), func(context.Context) error { return want }); err != want {
					t.Errorf("%s of work that returns %v in time = %v, want that value", name, want, err)
				}
			}
			late := func(ctx context.Context) error { <-ctx.Done(); return errBroken }
			if err := limited(t.Context(), late); err != errBroken {
				t.Errorf("%s of work that fails late = %v, want %v itself", name, err, errBroken)
			}
			both := func(ctx context.Context) error { return errors.Join(deadline.Sleep(ctx, year), errBroken) }
			if err := limited(t.Context(), both); !errors.Is(err, errBroken) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s of work that fails and is cut short = %v, want %v alone", name, err, errBroken)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := limited(ctx, sleepFor(year)); !cancelscope.IsCancellation(ctx, err) {
				t.Errorf("%s under a cancellation = %v, want that", name, err)
			}
		})
	}
}

// A limit that cut work short keeps the words that the work put before its cancellation.
func TestLimitsKeepTheWords(t *testing.T) {
	for name, limited := range limits {
		if strings.HasPrefix(name, "MoveOn") {
			continue // returns no error
		}
		bubbletest.Run(t, name, func(t *testing.T) {
			for _, test := range []struct {
				words string
				wrap  func(ctx context.Context, cause error) error
			}{
				{"", func(_ context.Context, cause error) error { return cause }},
				{"", func(ctx context.Context, _ error) error { return ctx.Err() }},
				{"", func(ctx context.Context, cause error) error { return errors.Join(cause, ctx.Err()) }},
				{"reading x", func(_ context.Context, cause error) error { return fmt.Errorf("reading x: %w", cause) }},
				{"a: b", func(ctx context.Context, _ error) error { return fmt.Errorf("a: %w", fmt.Errorf("b: %w", ctx.Err())) }},
				{`Get "http://x"`, func(ctx context.Context, _ error) error {
					return &url.Error{Op: "Get", URL: "http://x", Err: ctx.Err()}
				}},
				{"signal: killed", func(ctx context.Context, _ error) error {
					return cancelscope.AsCancellation(ctx, errors.New("signal: killed"))
				}},
				{"inner", func(ctx context.Context, _ error) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						n.Go(func(ctx context.Context) error { return fmt.Errorf("inner: %w", ctx.Err()) })
						return nil
					})
				}},
			} {
				err := limited(t.Context(), func(ctx context.Context) error { return test.wrap(ctx, deadline.Sleep(ctx, year)) })
				want := "too slow: limit of 1s exceeded"
				if test.words != "" {
					want = test.words + ": " + want
				}
				slow, ok := err.(*deadline.TooSlowError)
				if !ok || slow.Cut != test.words || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%s of work that is cut short = %T %v, want a TooSlowError with %q", name, err, err, want)
				}
			}
		})
	}
}

func TestLimitsWithAReason(t *testing.T) {
	want := deadline.TooSlowError{Limit: time.Second, Reason: errStop}
	check := func(t *testing.T, call string, err error, name string) {
		t.Helper()
		slow, ok := err.(*deadline.TooSlowError)
		if !ok || slow.Limit != want.Limit || slow.Reason != errStop || slow.Name != name || !errors.Is(err, errStop) {
			t.Errorf("%s = %#v, want a TooSlowError of 1s with the reason %v", call, err, errStop)
		}
	}
	checks := func(ctx context.Context) error {
		err := deadline.Sleep(ctx, year)
		if !errors.Is(context.Cause(ctx), errStop) {
			t.Errorf("context.Cause(ctx) = %v, want the reason in it", context.Cause(ctx))
		}
		return err
	}
	bubbletest.Run(t, "FailScope", func(t *testing.T) {
		s := cancelscope.Scope{Name: "s", Reason: errStop}
		s.SetTimeout(time.Second)
		check(t, "FailScope", deadline.FailScope(t.Context(), &s, checks), "s")
	})
	bubbletest.Run(t, "a negative limit", func(t *testing.T) {
		err := deadline.FailAfter(t.Context(), -time.Second, func(ctx context.Context) error { return deadline.Sleep(ctx, year) })
		if slow, ok := err.(*deadline.TooSlowError); !ok || slow.Limit != 0 {
			t.Errorf("FailAfter(-1s) = %#v, want a TooSlowError of 0s", err)
		}
	})
}

func TestCall(t *testing.T) {
	bubbletest.Run(t, "in time", func(t *testing.T) {
		value, err := deadline.Call(t.Context(), time.Second, func(ctx context.Context) (string, error) {
			return "value", deadline.Sleep(ctx, time.Second/2)
		})
		if value != "value" || err != nil {
			t.Errorf("Call = %q, %v, want value, nil", value, err)
		}
	})
	bubbletest.Run(t, "late, without an error", func(t *testing.T) {
		value, err := deadline.Call(t.Context(), time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "value", nil
		})
		if value != "value" || err != nil {
			t.Errorf("Call = %q, %v, want value, nil", value, err)
		}
	})
	bubbletest.Run(t, "cut short", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		value, err := deadline.Call(t.Context(), time.Second, func(ctx context.Context) (string, error) {
			return "half", deadline.Sleep(ctx, year)
		})
		bubbletest.CheckTooSlow(t, "Call", err, deadline.TooSlowError{Limit: time.Second, Deadline: at})
		if value != "half" {
			t.Errorf("Call = %q, want what the function returned beside its cancellation", value)
		}
	})
	bubbletest.Run(t, "that panics", func(t *testing.T) {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("panic with %v, want boom", got)
			}
		}()
		deadline.Call(t.Context(), time.Second, func(context.Context) (int, error) { panic("boom") })
	})
}

func TestFailAfterWithCleanUpThatFails(t *testing.T) {
	// failAfter runs a block that sleeps too long and turns what it gets for that into
	// something else.
	failAfter := func(t *testing.T, instead func(cause error) error) (err error, tooSlow bool) {
		start := time.Now()
		err = deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return instead(deadline.Sleep(ctx, time.Hour))
		})
		if got := time.Since(start); got != time.Second {
			t.Errorf("FailAfter(1s) took %v, want 1s", got)
		}
		var e *deadline.TooSlowError
		return err, errors.As(err, &e)
	}

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_foreign_exception_on_timeout
	bubbletest.Run(t, "with an error of its own", func(t *testing.T) {
		crash := errors.New("crash")
		err, tooSlow := failAfter(t, func(error) error { return crash })
		if err != crash || tooSlow {
			t.Errorf("FailAfter around clean-up that fails = %v, a TooSlowError: %v, want the very %v, false", err, tooSlow, crash)
		}
	})

	// catalogue: asyncio/test_timeouts.py::TimeoutTests::test_foreign_exception_on_timeout_2
	t.Run("with one error after another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			first, last := errors.New("first"), errors.New("last")
			err, tooSlow := failAfter(t, func(error) (err error) {
				defer func() { err = last }()
				return first
			})
			if err != last || tooSlow {
				t.Errorf("FailAfter around clean-up that fails twice = %v, a TooSlowError: %v, want the very %v, false", err, tooSlow, last)
			}
		})
		// Python keeps the chain by itself. Here the code that wraps the error keeps it, in
		// the text at least: the cancellation itself is gone.
		synctest.Test(t, func(t *testing.T) {
			crash := errors.New("crash")
			err, tooSlow := failAfter(t, func(cause error) error { return fmt.Errorf("%w, after %w", crash, cause) })
			if !errors.Is(err, crash) || tooSlow || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("FailAfter around clean-up that wraps both = %v, a TooSlowError: %v, want one that is %v alone, false", err, tooSlow, crash)
			}
			if got, want := fmt.Sprint(err), "crash, after scope canceled: deadline passed"; got != want {
				t.Errorf("its text = %q, want %q", got, want)
			}
		})
	})
}
