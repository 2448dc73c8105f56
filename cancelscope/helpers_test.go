package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Real errors for blocks to fail with.
var (
	errBoom = errors.New("boom")
	errBang = errors.New("bang")
)

// forever is longer than any test lets pass.
const forever = 1000 * time.Hour

// checkOpen checks that ctx is not done, in each of the ways to ask.
func checkOpen(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	if err := ctx.Err(); err != nil {
		t.Errorf("%s.Err() = %v, want nil", name, err)
	}
	if cause := context.Cause(ctx); cause != nil {
		t.Errorf("context.Cause(%s) = %v, want nil", name, cause)
	}
	if bubbletest.IsClosed(ctx.Done()) {
		t.Errorf("%s.Done() is closed, want it open", name)
	}
}

// checkDone checks that ctx is done with that very error, in each of the ways to ask.
func checkDone(t *testing.T, name string, ctx context.Context, want error) {
	t.Helper()
	if err := ctx.Err(); err != want {
		t.Errorf("%s.Err() = %v, want %v", name, err, want)
	}
	if !bubbletest.IsClosed(ctx.Done()) {
		t.Errorf("%s.Done() is open, want it closed", name)
	}
}

// causeOf returns the *Canceled that is the cause of ctx, and checks its kind.
func causeOf(t *testing.T, name string, ctx context.Context, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	return bubbletest.CheckCanceled(t, "context.Cause("+name+")", context.Cause(ctx), kind)
}

// storyOf returns the *Canceled that is the cause of s, and checks its kind.
func storyOf(t *testing.T, name string, s *cancelscope.Scope, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	return bubbletest.CheckCanceled(t, name+".Cause()", s.Cause(), kind)
}

// checkCancellation checks that err, which call gave, is nothing but a cancellation
// of ctx.
func checkCancellation(t *testing.T, call string, ctx context.Context, err error) {
	t.Helper()
	if !cancelscope.IsCancellation(ctx, err) {
		t.Errorf("%s = %T %v, want a cancellation", call, err, err)
	}
}

// untilDone waits for the end of ctx and returns its Err.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
