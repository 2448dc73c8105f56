package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

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
	t.Run("with an error of its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			crash := errors.New("crash")
			err, tooSlow := failAfter(t, func(error) error { return crash })
			if err != crash || tooSlow {
				t.Errorf("FailAfter around clean-up that fails = %v, a TooSlowError: %v, want the very %v, false", err, tooSlow, crash)
			}
		})
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
