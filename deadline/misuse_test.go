package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// noContext is nil in a way that linters let pass.
var noContext context.Context

func TestMisuse(t *testing.T) {
	ran := false
	fn := func(context.Context) error { ran = true; return nil }
	at := time.Now()
	ctx := t.Context()

	const nilSleep = "deadline: Sleep with a nil context: "
	call := func(ctx context.Context) (int, error) { return 0, fn(ctx) }
	for _, test := range []struct {
		call, want string
		f          func()
	}{
		{"MoveOnAfter(nil, 1s, fn)", "deadline: MoveOnAfter with a nil context: ", func() { _, _ = deadline.MoveOnAfter(noContext, time.Second, fn) }},
		{"MoveOnAt(nil, now, fn)", "deadline: MoveOnAt with a nil context: ", func() { _, _ = deadline.MoveOnAt(noContext, at, fn) }},
		{"FailAfter(nil, 1s, fn)", "deadline: FailAfter with a nil context: ", func() { _ = deadline.FailAfter(noContext, time.Second, fn) }},
		{"FailAt(nil, now, fn)", "deadline: FailAt with a nil context: ", func() { _ = deadline.FailAt(noContext, at, fn) }},
		{"FailScope(nil, s, fn)", "deadline: FailScope with a nil context: ", func() { _ = deadline.FailScope(noContext, new(cancelscope.Scope), fn) }},
		{"Call(nil, 1s, fn)", "deadline: Call with a nil context: ", func() { _, _ = deadline.Call(noContext, time.Second, call) }},

		{"MoveOnAfter(ctx, 1s, nil)", "deadline: MoveOnAfter with a nil function: ", func() { _, _ = deadline.MoveOnAfter(ctx, time.Second, nil) }},
		{"MoveOnAt(ctx, now, nil)", "deadline: MoveOnAt with a nil function: ", func() { _, _ = deadline.MoveOnAt(ctx, at, nil) }},
		{"FailAfter(ctx, 1s, nil)", "deadline: FailAfter with a nil function: ", func() { _ = deadline.FailAfter(ctx, time.Second, nil) }},
		{"FailAt(ctx, now, nil)", "deadline: FailAt with a nil function: ", func() { _ = deadline.FailAt(ctx, at, nil) }},
		{"FailScope(ctx, s, nil)", "deadline: FailScope with a nil function: ", func() { _ = deadline.FailScope(ctx, new(cancelscope.Scope), nil) }},
		{"Call(ctx, 1s, nil)", "deadline: Call with a nil function: ", func() { _, _ = deadline.Call[int](ctx, time.Second, nil) }},

		{"FailScope(ctx, nil, fn)", "deadline: FailScope with a nil scope: ", func() { _ = deadline.FailScope(ctx, nil, fn) }},
		{"Sleep(nil, 1s)", nilSleep, func() { _ = deadline.Sleep(noContext, time.Second) }},
		{"Sleep(nil, 0)", nilSleep, func() { _ = deadline.Sleep(noContext, 0) }},
		{"SleepUntil(nil, now)", nilSleep, func() { _ = deadline.SleepUntil(noContext, at) }},
		{"Effective(nil)", "deadline: Effective with a nil context: ", func() { _, _ = deadline.Effective(noContext) }},
	} {
		bubbletest.CheckPanics(t, test.call, test.want, test.f)
	}
	if ran {
		t.Error("a function ran without a context")
	}

	var s cancelscope.Scope
	bubbletest.CheckError(t, "first FailScope", deadline.FailScope(ctx, &s, fn), nil)
	ran = false
	bubbletest.CheckPanics(t, "second FailScope", "cancelscope: second Run of a Scope: ", func() { _ = deadline.FailScope(ctx, &s, fn) })
	if ran {
		t.Error("second FailScope of a scope ran its function")
	}
}

// catalogue: trio/test_run.py::test_out_of_context
func TestLimitsOutsideOfScopes(t *testing.T) {
	type key struct{}
	withCancel, cancel := context.WithCancel(context.Background())
	cancel()
	for name, ctx := range map[string]context.Context{
		"Background": context.Background(),
		"TODO":       context.TODO(),
		"WithValue":  context.WithValue(context.Background(), key{}, "scope"),
	} {
		wantEffective(t, name, ctx, time.Time{})
		if cancelscope.IsCancellation(ctx, context.Canceled) {
			t.Errorf("%s: IsCancellation(context.Canceled) = true, want false", name)
		}
		if canceled, rest := cancelscope.Split(ctx, context.Canceled); canceled != nil || rest != context.Canceled {
			t.Errorf("%s: Split(context.Canceled) = %v, %v, want nil, all of it", name, canceled, rest)
		}
	}
	wantDone(t, "a canceled context without scopes", withCancel)
	if err := context.Cause(withCancel); err != context.Canceled {
		t.Errorf("context.Cause without scopes = %v, want %v", err, context.Canceled)
	}
	var s cancelscope.Scope
	if at, ok := s.Deadline(); ok {
		t.Errorf("Deadline() of a scope that has not been run = %v, true, want none", at)
	}
	bubbletest.CheckScope(t, "a scope that has not been run", &s, false, false)
	bubbletest.CheckError(t, "Cause() of a scope that has not been run", s.Cause(), nil)
}

// Trio refuses negative durations. Here they count as zero: a limit that has been
// used up is not a mistake in the program.
//
// catalogue: trio/test_timeouts.py::test_timeouts_raise_value_error
func TestNegativeLimits(t *testing.T) {
	bubbletest.Run(t, "sleeps are checkpoints", func(t *testing.T) {
		start := time.Now()
		bubbletest.CheckError(t, "Sleep(-1)", deadline.Sleep(t.Context(), -1), nil)
		bubbletest.CheckError(t, "SleepUntil(an hour ago)", deadline.SleepUntil(t.Context(), start.Add(-time.Hour)), nil)
		bubbletest.CheckError(t, "SleepUntil(zero)", deadline.SleepUntil(t.Context(), time.Time{}), nil)
		bubbletest.CheckElapsed(t, "what came before", start, 0)

		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stop)
		for call, err := range map[string]error{
			"Sleep(-1)":               deadline.Sleep(ctx, -1),
			"SleepUntil(an hour ago)": deadline.SleepUntil(ctx, start.Add(-time.Hour)),
			"SleepUntil(zero)":        deadline.SleepUntil(ctx, time.Time{}),
		} {
			if err != stop {
				t.Errorf("%s when canceled = %v, want the cause %v", call, err, stop)
			}
		}
	})

	bubbletest.Run(t, "limits have passed", func(t *testing.T) {
		start := time.Now()
		expired, err := deadline.MoveOnAfter(t.Context(), -1, sleepFor(0))
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(-1) = %t, %v, want true, nil", expired, err)
		}
		err = deadline.FailAfter(t.Context(), -time.Hour, sleepFor(0))
		bubbletest.CheckTooSlow(t, "FailAfter(-1h)", err, deadline.TooSlowError{Deadline: start})

		// Where the block does not wait, a limit cuts nothing short.
		finished := func(context.Context) error { return nil }
		expired, err = deadline.MoveOnAfter(t.Context(), -1, finished)
		if expired || err != nil {
			t.Errorf("MoveOnAfter(-1) without a wait = %t, %v, want false, nil", expired, err)
		}
		bubbletest.CheckError(t, "FailAfter(-1) without a wait", deadline.FailAfter(t.Context(), -1, finished), nil)
	})

	bubbletest.Run(t, "deadlines may be past", func(t *testing.T) {
		past := time.Now().Add(-time.Hour)
		expired, err := deadline.MoveOnAt(t.Context(), past, sleepFor(0))
		if !expired || err != nil {
			t.Errorf("MoveOnAt(an hour ago) = %t, %v, want true, nil", expired, err)
		}
		bubbletest.CheckTooSlow(t, "FailAt(an hour ago)", deadline.FailAt(t.Context(), past, sleepFor(0)), deadline.TooSlowError{Deadline: past})
	})
}
