package cancelscope_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// Real errors for blocks to fail with.
var (
	errBoom = errors.New("boom")
	errBang = errors.New("bang")
)

// forever is longer than any test lets pass.
const forever = 1000 * time.Hour

// inBubble runs f as a subtest whose time is fake.
func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// checkScope checks what a scope reports about its cancellation.
func checkScope(t *testing.T, name string, s *cancelscope.Scope, called, caught bool) {
	t.Helper()
	if got := s.CancelCalled(); got != called {
		t.Errorf("%s.CancelCalled() = %v, want %v", name, got, called)
	}
	if got := s.CanceledCaught(); got != caught {
		t.Errorf("%s.CanceledCaught() = %v, want %v", name, got, caught)
	}
}

// checkError checks that err, which call gave, is want itself.
func checkError(t *testing.T, call string, err, want error) {
	t.Helper()
	if err != want {
		t.Errorf("%s = %T %v, want %v itself", call, err, err, want)
	}
}

// checkOpen checks that ctx is not done, in each of the ways to ask.
func checkOpen(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	if err := ctx.Err(); err != nil {
		t.Errorf("%s.Err() = %v, want nil", name, err)
	}
	if cause := context.Cause(ctx); cause != nil {
		t.Errorf("context.Cause(%s) = %v, want nil", name, cause)
	}
	if isClosed(ctx.Done()) {
		t.Errorf("%s.Done() is closed, want it open", name)
	}
}

// checkDone checks that ctx is done with that very error, in each of the ways to ask.
func checkDone(t *testing.T, name string, ctx context.Context, want error) {
	t.Helper()
	if err := ctx.Err(); err != want {
		t.Errorf("%s.Err() = %v, want %v", name, err, want)
	}
	if !isClosed(ctx.Done()) {
		t.Errorf("%s.Done() is open, want it closed", name)
	}
}

// causeOf returns the *Canceled that is the cause of ctx, and checks its kind.
func causeOf(t *testing.T, name string, ctx context.Context, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	return asCanceled(t, "context.Cause("+name+")", context.Cause(ctx), kind)
}

// storyOf returns the *Canceled that is the cause of s, and checks its kind.
func storyOf(t *testing.T, name string, s *cancelscope.Scope, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	return asCanceled(t, name+".Cause()", s.Cause(), kind)
}

// asCanceled checks that err, which call gave, is a *Canceled of that kind, by
// itself, and returns it.
func asCanceled(t *testing.T, call string, err error, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	c, ok := err.(*cancelscope.Canceled)
	if !ok {
		t.Errorf("%s = %T %v, want a *Canceled of kind %v", call, err, err, kind)
		return new(cancelscope.Canceled)
	}
	if c.Kind() != kind {
		t.Errorf("%s = *Canceled of kind %v (%v), want kind %v", call, c.Kind(), c, kind)
	}
	return c
}

// checkTooSlow checks that err is a TooSlowError itself.
func checkTooSlow(t *testing.T, call string, err error, want cancelscope.TooSlowError) {
	t.Helper()
	got, ok := err.(*cancelscope.TooSlowError)
	if !ok {
		t.Errorf("%s = %T %v, want a bare *TooSlowError", call, err, err)
		return
	}
	if got.Name != want.Name || got.Limit != want.Limit || !got.Deadline.Equal(want.Deadline) || got.Reason != want.Reason {
		t.Errorf("%s = %+v, want %+v", call, *got, want)
	}
}

// checkCancellation checks that err, which call gave, is nothing but a cancellation
// of ctx.
func checkCancellation(t *testing.T, call string, ctx context.Context, err error) {
	t.Helper()
	if !cancelscope.IsCancellation(ctx, err) {
		t.Errorf("%s = %T %v, want a cancellation", call, err, err)
	}
}

// checkElapsed checks, in a bubble, how much time has gone by since start.
func checkElapsed(t *testing.T, call string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s took %v, want %v", call, got, want)
	}
}

// checkPanics checks that call panics with a text that begins with want.
func checkPanics(t *testing.T, call, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text, ok := recover().(string); !ok || !strings.HasPrefix(text, want) {
			t.Errorf("%s: panic with %q, want one that begins with %q", call, text, want)
		}
	}()
	f()
}

// untilDone waits for the end of ctx and returns its Err.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// linger lets time pass in a bubble, whatever is canceled meanwhile.
func linger(d time.Duration) { _ = deadline.Sleep(context.Background(), d) }
