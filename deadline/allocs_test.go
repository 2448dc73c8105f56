package deadline_test

import (
	"context"
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
		ceiling.At(7, "Limit", "", func() {
			var err error
			_, end := deadline.Limit(ctx, time.Minute)
			end(&err)
		}),
		ceiling.At(2, "FailAfter", "", func() { deadline.FailAfter(ctx, time.Minute, nothing) }),
		ceiling.At(8, "FailAfter", "with a look at Done", func() {
			deadline.FailAfter(outside, time.Minute, func(ctx context.Context) error { ctx.Done(); return nil })
		}),
		ceiling.At(8, "MoveOnAt", "with a look at Done", func() {
			deadline.MoveOnAt(outside, far, func(ctx context.Context) error { ctx.Done(); return nil })
		}),
		ceiling.At(5, "FailAfter", "when the time is up", func() { deadline.FailAfter(ctx, 0, waits) }),
		ceiling.At(2, "Call", "", func() {
			deadline.Call(ctx, time.Minute, func(context.Context) (int, error) { return 1, nil })
		}),
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
	background := context.Background()
	nothing := func() error { return nil }
	pair := net.Buffers{buffer, buffer}
	return []ceiling.Call{
		ceiling.At(6, "Conn", "", func() { deadline.Conn(ctx, near) }),
		ceiling.At(1, "Conn", "of another one", func() { deadline.Conn(ctx, bound) }),
		ceiling.At(2, "Conn", "Read of it", func() { bound.Read(buffer) }),
		ceiling.At(2, "Conn", "Write of it", func() { bound.Write(buffer) }),
		ceiling.At(0, "Conn", "Read under a context that is never done", func() { outside.Read(buffer) }),
		ceiling.At(0, "Conn", "Write under a context that is never done", func() { outside.Write(buffer) }),
		ceiling.At(2, "Conn", "WriteBuffers under a context that is never done: a copy of the slice, and its header", func() {
			buffers := append(net.Buffers(nil), pair...)
			outside.(buffersWriter).WriteBuffers(&buffers)
		}),
		ceiling.At(8, "Interrupt", "", func() { deadline.Interrupt(ctx, near, nothing) }),
		ceiling.At(0, "Interrupt", "under a context that is never done", func() { deadline.Interrupt(background, near, nothing) }),
		ceiling.At(12, "Accept", "", func() { deadline.Accept(ctx, busy{near}) }),
		ceiling.At(8, "Accept", "under a context that is never done", func() { deadline.Accept(background, busy{near}) }),
	}
}

// A busy listener always has a connection waiting.
type busy struct{ *fakeConn }

func (l busy) Accept() (net.Conn, error) { return l.fakeConn, nil }
func (busy) Close() error                { return nil }
func (busy) Addr() net.Addr              { return nil }
