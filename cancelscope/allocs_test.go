package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/ceiling"
)

// What each entry point may allocate at most.
func TestAllocations(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx.Done()
	calls := callsOfRun(ctx)
	ceiling.Check(t, calls)

	s := cancelscope.Scope{Adjustable: true}
	s.Run(ctx, func(ctx context.Context) error {
		ctx.Done()
		s.SetTimeout(time.Hour)
		inside := callsInside(ctx, &s)
		ceiling.Check(t, inside)
		calls = append(calls, inside...)
		return nil
	})

	var canceled cancelscope.Scope
	canceled.Run(ctx, func(ctx context.Context) error {
		canceled.Cancel(errors.New("enough"))
		after := callsAfterCancel(t, ctx, &canceled)
		ceiling.Check(t, after)
		calls = append(calls, after...)
		return nil
	})
	ceiling.CheckComplete(t, "../testdata/api/cancelscope.txt", calls)
}

func callsOfRun(ctx context.Context) []ceiling.Call {
	fail := errors.New("failed")
	nothing := func(context.Context) error { return nil }
	in := func(set func(s *cancelscope.Scope), fn func(ctx context.Context) error) func() {
		return func() {
			var s cancelscope.Scope
			set(&s)
			s.Run(ctx, fn)
		}
	}
	plain := func(*cancelscope.Scope) {}
	return []ceiling.Call{
		ceiling.At(1, "Scope.Run", "", in(plain, nothing)),
		ceiling.At(2, "Scope.Run", "with a timeout", in(func(s *cancelscope.Scope) { s.SetTimeout(time.Hour) }, nothing)),
		ceiling.At(1, "Scope.Run", "shielded", in(func(s *cancelscope.Scope) { s.SetShield(true) }, nothing)),
		ceiling.At(1, "Scope.Run", "with a look at Err", in(plain, func(ctx context.Context) error { return ctx.Err() })),
		ceiling.At(4, "Scope.Run", "with a look at Done", in(plain, func(ctx context.Context) error { ctx.Done(); return nil })),
		ceiling.At(13, "Scope.Run", "with a timeout and a look at Done", in(func(s *cancelscope.Scope) { s.SetTimeout(time.Hour) }, func(ctx context.Context) error { ctx.Done(); return nil })),
		ceiling.At(1, "Scope.Run", "that fails", in(plain, func(context.Context) error { return fail })),
		ceiling.At(3, "Scope.Run", "whose timeout is past", in(func(s *cancelscope.Scope) { s.SetTimeout(0) }, func(ctx context.Context) error { return ctx.Err() })),
		ceiling.At(2, "Scope.Run", "that is canceled and absorbs", func() {
			var s cancelscope.Scope
			s.Run(ctx, func(ctx context.Context) error { s.Cancel(nil); return ctx.Err() })
		}),
		ceiling.At(2, "Scope.Run", "in a scope", in(plain, func(ctx context.Context) error {
			return new(cancelscope.Scope).Run(ctx, nothing)
		})),
		ceiling.At(4, "Scope.Enter", "and its end", func() {
			var s cancelscope.Scope
			var err error
			_, end := s.Enter(ctx)
			end(&err)
		}),
		ceiling.At(2, "Shield", "", func() { cancelscope.Shield(ctx, time.Hour, nothing) }),
		ceiling.At(2, "Cleanup", "", func() {
			var err error
			cancelscope.Cleanup(ctx, &err, time.Hour, nothing)
		}),
		ceiling.At(0, "AsCancellation", "of a real error", func() { cancelscope.AsCancellation(ctx, fail) }),
		ceiling.At(2, "Scope.Cancel", "before Run", func() { new(cancelscope.Scope).Cancel(fail) }),
	}
}

// callsInside are calls in a scope whose Done was looked at, and that has a deadline.
func callsInside(ctx context.Context, s *cancelscope.Scope) []ceiling.Call {
	fail := errors.New("failed")
	far := time.Now().Add(3 * time.Hour)
	return []ceiling.Call{
		ceiling.At(0, "context.Err", "", func() { ctx.Err() }),
		ceiling.At(0, "context.Done", "", func() { ctx.Done() }),
		ceiling.At(0, "context.Deadline", "", func() { ctx.Deadline() }),
		ceiling.At(0, "context.Value", "", func() { ctx.Value(s) }),
		ceiling.At(0, "context.Cause", "", func() { context.Cause(ctx) }),
		ceiling.At(2, "context.WithCancel", "", func() { _, cancel := context.WithCancel(ctx); cancel() }),
		ceiling.At(0, "Scope.SetTimeout", "", func() { s.SetTimeout(2 * time.Hour) }),
		ceiling.At(0, "Scope.SetDeadline", "", func() { s.SetDeadline(far) }),
		ceiling.At(0, "Scope.SetShield", "on and off", func() { s.SetShield(true); s.SetShield(false) }),
		ceiling.At(0, "Scope.Deadline", "", func() { s.Deadline() }),
		ceiling.At(0, "Scope.CancelCalled", "", func() { s.CancelCalled() }),
		ceiling.At(0, "Scope.CanceledCaught", "", func() { s.CanceledCaught() }),
		ceiling.At(0, "Scope.Cause", "", func() { s.Cause() }),
		ceiling.At(1, "Scope.Run", "below Done", func() {
			new(cancelscope.Scope).Run(ctx, func(context.Context) error { return nil })
		}),
		ceiling.At(0, "Split", "of a real error", func() { cancelscope.Split(ctx, fail) }),
		ceiling.At(0, "IsCancellation", "of a real error", func() { cancelscope.IsCancellation(ctx, fail) }),
	}
}

// callsAfterCancel are calls in a scope that has been canceled.
func callsAfterCancel(t *testing.T, ctx context.Context, s *cancelscope.Scope) []ceiling.Call {
	cause := context.Cause(ctx)
	c, ok := cause.(*cancelscope.Canceled)
	if !ok {
		t.Fatalf("the cause in a canceled scope is %v, want a *Canceled", cause)
	}
	var causes []error // kept, as by a caller to whom the slice matters
	_ = causes
	mixed := errors.Join(ctx.Err(), errors.New("failed"))
	slow := &cancelscope.TooSlowError{Limit: time.Second}
	fail := errors.New("failed")
	return []ceiling.Call{
		ceiling.At(1, "AsCancellation", "", func() { cancelscope.AsCancellation(ctx, fail) }),
		ceiling.At(1, "TooSlowError.Error", "", func() { _ = slow.Error() }),
		ceiling.At(0, "TooSlowError.Is", "", func() { slow.Is(context.DeadlineExceeded) }),
		ceiling.At(0, "TooSlowError.Timeout", "", func() { slow.Timeout() }),
		ceiling.At(0, "TooSlowError.Cancellation", "", func() { slow.Cancellation() }),
		ceiling.At(0, "TooSlowError.Unwrap", "", func() { _ = slow.Unwrap() }),
		ceiling.At(0, "Scope.Cancel", "once more", func() { s.Cancel(nil) }),
		ceiling.At(0, "Scope.Cause", "after Cancel", func() { s.Cause() }),
		ceiling.At(0, "context.Cause", "after Cancel", func() { context.Cause(ctx) }),
		ceiling.At(0, "Split", "of a cancellation", func() { cancelscope.Split(ctx, cause) }),
		ceiling.At(6, "Split", "of a joined error", func() { cancelscope.Split(ctx, mixed) }),
		ceiling.At(0, "IsCancellation", "of a cancellation", func() { cancelscope.IsCancellation(ctx, cause) }),
		ceiling.At(2, "Canceled.Error", "", func() { _ = c.Error() }),
		ceiling.At(0, "Canceled.Kind", "", func() { c.Kind() }),
		ceiling.At(0, "Canceled.Reason", "", func() { _ = c.Reason() }),
		ceiling.At(0, "Canceled.Scope", "", func() { c.Scope() }),
		ceiling.At(1, "Canceled.Unwrap", "", func() { causes = c.Unwrap() }),
		ceiling.At(0, "Kind.String", "", func() { _ = c.Kind().String() }),
	}
}
