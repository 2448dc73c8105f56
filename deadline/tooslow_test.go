package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestTooSlowErrorText(t *testing.T) {
	tests := []struct {
		err  deadline.TooSlowError
		want string
	}{
		{deadline.TooSlowError{Limit: 1500 * time.Millisecond}, "too slow: limit of 1.5s exceeded"},
		{deadline.TooSlowError{Limit: time.Hour}, "too slow: limit of 1h0m0s exceeded"},
		{deadline.TooSlowError{}, "too slow: limit of 0s exceeded"},
		{deadline.TooSlowError{Name: "dial", Limit: time.Second}, `"dial" too slow: limit of 1s exceeded`},
		{deadline.TooSlowError{Name: "a\n\"b\"", Limit: time.Second}, `"a\n\"b\"" too slow: limit of 1s exceeded`},
		// Where the caller did not set the deadline by a timeout.
		{deadline.TooSlowError{Limit: time.Second + 123}, "too slow: limit of 1s exceeded"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%+v: Error() = %q, want %q", test.err, got, test.want)
		}
	}
}

// Where time goes by between the call and the entry of the block, the limit is
// what was asked for all the same.
func TestTooSlowErrorLimit(t *testing.T) {
	const limit = time.Millisecond
	err := deadline.FailAfter(t.Context(), limit, sleepFor(year))
	if e, ok := err.(*deadline.TooSlowError); !ok || e.Limit != limit {
		t.Errorf("FailAfter(%v) = %#v, want a *TooSlowError with that limit", limit, err)
	}
}

// tooSlow returns the error of a limit of one second that was exceeded.
func tooSlow(t *testing.T) error {
	return deadline.FailAfter(t.Context(), time.Second, sleepFor(year))
}

func TestTooSlowErrorIsATimeout(t *testing.T) {
	bubbletest.Run(t, "also when wrapped", func(t *testing.T) {
		bare := tooSlow(t)
		for name, err := range map[string]error{
			"bare":    bare,
			"wrapped": fmt.Errorf("fetch: %w", fmt.Errorf("dial: %w", bare)),
			"joined":  errors.Join(errors.New("first"), fmt.Errorf("second: %w", bare)),
			"of a task": nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { return tooSlow(t) })
				return nil
			}),
		} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: errors.Is(%v, context.DeadlineExceeded) = false, want true", name, err)
			}
			for _, target := range []error{context.Canceled, os.ErrDeadlineExceeded} {
				if errors.Is(err, target) {
					t.Errorf("%s: errors.Is(%v, %v) = true, want false", name, err, target)
				}
			}
			tooSlow, ok := errors.AsType[*deadline.TooSlowError](err)
			if !ok || tooSlow.Limit != time.Second {
				t.Errorf("%s: errors.As(%v) = %+v, %t, want a TooSlowError with a limit of 1s", name, err, tooSlow, ok)
			}
			timeout, ok := errors.AsType[interface {
				error
				Timeout() bool
			}](err)
			if !ok || !timeout.Timeout() {
				t.Errorf("%s: %v has a Timeout method: %t, that reports true: want both", name, err, ok)
			}
			if canceled, ok := errors.AsType[*cancelscope.Canceled](err); ok {
				t.Errorf("%s: %v has %v in it, want no *Canceled", name, err, canceled)
			}
		}
		// Package net asks what it has wrapped in the same way.
		if err := net.Error(&net.OpError{Op: "dial", Err: bare}); !err.Timeout() {
			t.Errorf("%v: Timeout() = false, want true", err)
		}
	})
}

// A TooSlowError is a failure, whatever happens to the scopes around it.
func TestTooSlowErrorIsReal(t *testing.T) {
	bubbletest.Run(t, "in a scope that is canceled by hand", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := tooSlow(t)
			s.Cancel(nil)
			return err
		})
		wantReal(t, "Run", err, "bare")
		bubbletest.CheckScope(t, "s", &s, true, false)
	})

	bubbletest.Run(t, "in a scope whose deadline has passed as well", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := tooSlow(t) // in a context of its own; both deadlines are the same
			if cancelscope.IsCancellation(ctx, err) || cancelscope.IsCancellation(ctx, fmt.Errorf("work: %w", err)) {
				t.Errorf("IsCancellation(ctx, %v) = true, want false", err)
			}
			return fmt.Errorf("work: %w", err)
		})
		wantReal(t, "Run", err, "wrapped")
		bubbletest.CheckScope(t, "s", &s, true, false)
	})

	bubbletest.Run(t, "beside cancellations", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return errors.Join(deadline.Sleep(ctx, year), tooSlow(t), ctx.Err())
		})
		wantReal(t, "MoveOnAfter", err, "joined")
		if !expired {
			t.Error("MoveOnAfter: expired = false, want true: it has removed two cancellations")
		}
		if errs, ok := err.(interface{ Unwrap() []error }); !ok || len(errs.Unwrap()) != 1 {
			t.Errorf("MoveOnAfter = %v, want the TooSlowError alone", err)
		}
	})

	bubbletest.Run(t, "through an outer limit", func(t *testing.T) {
		start := time.Now()
		err := deadline.FailAfter(t.Context(), 2*time.Second, func(ctx context.Context) error {
			err := deadline.FailAfter(ctx, time.Second, sleepFor(year))
			time.Sleep(year) // until the outer limit has passed too
			return err
		})
		bubbletest.CheckTooSlow(t, "outer FailAfter", err, deadline.TooSlowError{Limit: time.Second, Deadline: start.Add(time.Second)})
	})
}

// wantReal checks that a TooSlowError came through, bare or not.
func wantReal(t *testing.T, call string, err error, form string) {
	t.Helper()
	_, bare := err.(*deadline.TooSlowError)
	if _, ok := errors.AsType[*deadline.TooSlowError](err); !ok || bare != (form == "bare") {
		t.Errorf("%s = %T %v, want the TooSlowError, %s", call, err, err, form)
	}
}
