package cancelscope_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestTooSlowErrorText(t *testing.T) {
	for _, test := range []struct {
		err  cancelscope.TooSlowError
		want string
	}{
		{cancelscope.TooSlowError{}, "too slow: limit of 0s exceeded"},
		{cancelscope.TooSlowError{Limit: 1500 * time.Millisecond}, "too slow: limit of 1.5s exceeded"},
		{cancelscope.TooSlowError{Name: "a \"b\"", Limit: time.Hour}, `"a \"b\"" too slow: limit of 1h0m0s exceeded`},
		{cancelscope.TooSlowError{Limit: time.Second, Reason: errBoom}, "too slow: limit of 1s exceeded: boom"},
		{cancelscope.TooSlowError{Cut: "reading x", Limit: time.Second}, "reading x: too slow: limit of 1s exceeded"},
		{cancelscope.TooSlowError{Cut: "reading x", Name: "s", Limit: time.Second, Reason: errBoom}, `reading x: "s" too slow: limit of 1s exceeded: boom`},
		// Microseconds up to a second, milliseconds above.
		{cancelscope.TooSlowError{Limit: 499}, "too slow: limit of 0s exceeded"},
		{cancelscope.TooSlowError{Limit: 500}, "too slow: limit of 1µs exceeded"},
		{cancelscope.TooSlowError{Limit: 1_499_499}, "too slow: limit of 1.499ms exceeded"},
		{cancelscope.TooSlowError{Limit: 1_499_500}, "too slow: limit of 1.5ms exceeded"},
		{cancelscope.TooSlowError{Limit: time.Second - 1000}, "too slow: limit of 999.999ms exceeded"},
		{cancelscope.TooSlowError{Limit: time.Second - 1}, "too slow: limit of 1s exceeded"},
		{cancelscope.TooSlowError{Limit: time.Second + 499}, "too slow: limit of 1s exceeded"},
		{cancelscope.TooSlowError{Limit: time.Second + 499_499}, "too slow: limit of 1s exceeded"},
		{cancelscope.TooSlowError{Limit: time.Second + 500_000}, "too slow: limit of 1.001s exceeded"},
		{cancelscope.TooSlowError{Limit: time.Minute + 1_234_567_890}, "too slow: limit of 1m1.235s exceeded"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%+v: Error() = %q, want %q", test.err, got, test.want)
		}
	}
}

func TestTooSlowErrorMethods(t *testing.T) {
	err := &cancelscope.TooSlowError{Reason: errBoom}
	for target, want := range map[error]bool{context.DeadlineExceeded: true, errBoom: true, context.Canceled: false, errBang: false} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("errors.Is(err, %v) = %v, want %v", target, got, want)
		}
	}
	if err := net.Error(&net.OpError{Op: "dial", Err: err}); !err.Timeout() {
		t.Errorf("%v: Timeout() = false, want true", err)
	}
	// It is real where its reason and what it claims to be are cancellations.
	for _, s := range []func(s *cancelscope.Scope){func(s *cancelscope.Scope) { s.Cancel(nil) }, func(s *cancelscope.Scope) { s.SetTimeout(0) }} {
		var canceled cancelscope.Scope
		s(&canceled)
		err := &cancelscope.TooSlowError{Reason: context.Canceled}
		bubbletest.CheckError(t, "Run", canceled.Run(t.Context(), returns(err)), err)
	}
}

// The reason for a deadline is found in the cause, and plays no part in verdicts.
func TestScopeReason(t *testing.T) {
	bubbletest.Run(t, "of a deadline that passes", func(t *testing.T) {
		s := cancelscope.Scope{Name: "s", Reason: errBoom}
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := untilDone(ctx)
			c := causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
			if c.Reason() != errBoom || !errors.Is(context.Cause(ctx), errBoom) {
				t.Errorf("Reason() = %v, errors.Is finds it: %v, want %v, true", c.Reason(), errors.Is(context.Cause(ctx), errBoom), errBoom)
			}
			if got, want := c.Error(), `scope "s" canceled: deadline passed: boom`; got != want {
				t.Errorf("Error() = %q, want %q", got, want)
			}
			checkCancellation(t, "the cause", ctx, c)
			if cancelscope.IsCancellation(ctx, errBoom) {
				t.Error("IsCancellation of the reason = true, want false")
			}
			return err
		})
		bubbletest.CheckError(t, "Run", err, nil)
	})
	bubbletest.Run(t, "before Run", func(t *testing.T) {
		s := cancelscope.Scope{Reason: errBoom}
		s.SetDeadline(time.Now())
		if !s.CancelCalled() || !errors.Is(s.Cause(), errBoom) {
			t.Errorf("Cause() = %v when the deadline has passed before Run, want %v in it", s.Cause(), errBoom)
		}
	})
	bubbletest.Run(t, "of a scope that is canceled otherwise", func(t *testing.T) {
		s := cancelscope.Scope{Reason: errBoom}
		s.SetTimeout(time.Hour)
		s.Cancel(errBang)
		if errors.Is(s.Cause(), errBoom) || !errors.Is(s.Cause(), errBang) {
			t.Errorf("Cause() = %v, want %v in it and not %v", s.Cause(), errBang, errBoom)
		}
	})
	bubbletest.Run(t, "for scopes inside", func(t *testing.T) {
		outer := cancelscope.Scope{Reason: errBoom}
		inner := cancelscope.Scope{Reason: errBang}
		outer.SetTimeout(time.Second)
		inner.SetTimeout(time.Hour)
		outer.Run(t.Context(), func(ctx context.Context) error { return inner.Run(ctx, untilDone) })
		if !errors.Is(inner.Cause(), errBoom) || errors.Is(inner.Cause(), errBang) {
			t.Errorf("inner.Cause() = %v, want %v in it and not %v", inner.Cause(), errBoom, errBang)
		}
	})
	bubbletest.Run(t, "that holds a Canceled, in a block that panics", func(t *testing.T) {
		s := cancelscope.Scope{Reason: canceledBecause("inner", errBang)}
		func() {
			defer func() { recover() }()
			s.SetTimeout(0)
			s.Run(t.Context(), func(ctx context.Context) error { ctx.Err(); panic("boom") })
		}()
		if got, want := s.Cause().Error(), `scope canceled: deadline passed: scope "inner" canceled: bang`; got != want {
			t.Errorf("Cause() = %q, want %q", got, want)
		}
	})
}
