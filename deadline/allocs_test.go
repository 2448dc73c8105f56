package deadline_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/ceiling"
)

// What each entry point may allocate at most, in a scope whose Done was looked at.
func TestAllocations(t *testing.T) {
	ceiling.SkipUnderRace(t)
	var s cancelscope.Scope
	s.SetTimeout(time.Hour)
	s.Run(t.Context(), func(ctx context.Context) error {
		ctx.Done()
		calls := append(callsOfLimits(ctx), callsOfIO(ctx)...)
		calls = append(calls, callsOfTooSlow(t, ctx)...)
		ceiling.Check(t, calls)
		ceiling.CheckComplete(t, "../testdata/api/deadline.txt", calls)
		return nil
	})
}

func callsOfLimits(ctx context.Context) []ceiling.Call {
	nothing := func(context.Context) error { return nil }
	waits := func(ctx context.Context) error { return ctx.Err() }
	far := time.Now().Add(time.Minute)
	outside, cancel := context.WithCancel(context.Background())
	outside.Done()
	_ = cancel
	var past time.Time
	return []ceiling.Call{
		ceiling.At(2, "MoveOnAfter", "", func() { deadline.MoveOnAfter(ctx, time.Minute, nothing) }),
		ceiling.At(3, "MoveOnAfter", "when the time is up", func() { deadline.MoveOnAfter(ctx, 0, waits) }),
		ceiling.At(2, "MoveOnAt", "", func() { deadline.MoveOnAt(ctx, far, nothing) }),
		ceiling.At(2, "FailAfter", "", func() { deadline.FailAfter(ctx, time.Minute, nothing) }),
		ceiling.At(8, "FailAfter", "with a look at Done", func() {
			deadline.FailAfter(outside, time.Minute, func(ctx context.Context) error { ctx.Done(); return nil })
		}),
		ceiling.At(8, "MoveOnAt", "with a look at Done", func() {
			deadline.MoveOnAt(outside, far, func(ctx context.Context) error { ctx.Done(); return nil })
		}),
		ceiling.At(5, "FailAfter", "when the time is up", func() { deadline.FailAfter(ctx, 0, waits) }),
		ceiling.At(2, "FailAt", "", func() { deadline.FailAt(ctx, far, nothing) }),
		ceiling.At(2, "FailScope", "with the scope", func() {
			var s cancelscope.Scope
			s.SetTimeout(time.Minute)
			deadline.FailScope(ctx, &s, nothing)
		}),
		ceiling.At(0, "Effective", "", func() { deadline.Effective(ctx) }),
		ceiling.At(0, "Sleep", "of zero", func() { deadline.Sleep(ctx, 0) }),
		ceiling.At(3, "Sleep", "", func() { deadline.Sleep(ctx, 1) }),
		ceiling.At(0, "SleepUntil", "a time that is past", func() { deadline.SleepUntil(ctx, past) }),
		ceiling.At(3, "SleepUntil", "", func() { deadline.SleepUntil(ctx, time.Now().Add(20*time.Microsecond)) }),
	}
}

func callsOfIO(ctx context.Context) []ceiling.Call {
	ready := func(b []byte) (int, error) { return len(b), nil }
	near := &fakeConn{read: ready, write: ready}
	bound := deadline.Conn(ctx, near)
	outside := deadline.Conn(context.Background(), near)
	buffer := make([]byte, 10)
	return []ceiling.Call{
		ceiling.At(8, "Conn", "", func() { deadline.Conn(ctx, near) }),
		ceiling.At(4, "Conn", "Read of it", func() { bound.Read(buffer) }),
		ceiling.At(4, "Conn", "Write of it", func() { bound.Write(buffer) }),
		ceiling.At(4, "Conn", "Read under a context that is never done", func() { outside.Read(buffer) }),
		ceiling.At(9, "Interrupt", "", func() { deadline.Interrupt(ctx, near, func() error { return nil }) }),
		ceiling.At(13, "Accept", "", func() { deadline.Accept(ctx, busy{near}) }),
	}
}

// A busy listener always has a connection waiting.
type busy struct{ *fakeConn }

func (l busy) Accept() (net.Conn, error) { return l.fakeConn, nil }
func (busy) Close() error                { return nil }
func (busy) Addr() net.Addr              { return nil }

func callsOfTooSlow(t *testing.T, ctx context.Context) []ceiling.Call {
	err := deadline.FailAfter(ctx, 0, func(ctx context.Context) error { return ctx.Err() })
	var slow *deadline.TooSlowError
	if !errors.As(err, &slow) {
		t.Fatalf("FailAfter of no time = %v, want a *TooSlowError", err)
	}
	return []ceiling.Call{
		ceiling.At(1, "TooSlowError.Error", "", func() { _ = slow.Error() }),
		ceiling.At(0, "TooSlowError.Is", "", func() { slow.Is(context.DeadlineExceeded) }),
		ceiling.At(0, "TooSlowError.Timeout", "", func() { slow.Timeout() }),
		ceiling.At(0, "TooSlowError.Cancellation", "", func() { slow.Cancellation() }),
	}
}
