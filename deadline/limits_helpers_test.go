package deadline_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// inBubble runs f as a subtest where time is fake: it stands still while
// anything runs, and jumps when everything waits.
func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// year is a wait that no test gets to the end of, unless nothing ends it.
const year = 365 * 24 * time.Hour

// sleepFor returns a block that sleeps and returns what the sleep returned.
func sleepFor(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error { return deadline.Sleep(ctx, d) }
}

// wantTooSlow checks that err is a TooSlowError itself, not wrapped in anything.
func wantTooSlow(t *testing.T, call string, err error, want deadline.TooSlowError) {
	t.Helper()
	got, ok := err.(*deadline.TooSlowError)
	if !ok {
		t.Errorf("%s = %T %v, want a bare *TooSlowError", call, err, err)
		return
	}
	if got.Name != want.Name || got.Limit != want.Limit || !got.Deadline.Equal(want.Deadline) {
		t.Errorf("%s = %+v, want %+v", call, *got, want)
	}
}

// wantCanceled checks that err is a *Canceled itself, of one kind.
func wantCanceled(t *testing.T, call string, err error, kind cancelscope.Kind) {
	t.Helper()
	if c, ok := err.(*cancelscope.Canceled); !ok || c.Kind() != kind {
		t.Errorf("%s = %T %v, want a bare *Canceled by %v", call, err, err, kind)
	}
}

func wantNil(t *testing.T, call string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s = %v, want nil", call, err)
	}
}

// wantFlags checks whether a scope's own cancellation was asked for, and whether
// the scope absorbed it.
func wantFlags(t *testing.T, scope string, s *cancelscope.Scope, called, caught bool) {
	t.Helper()
	if got := s.CancelCalled(); got != called {
		t.Errorf("%s.CancelCalled() = %t, want %t", scope, got, called)
	}
	if got := s.CanceledCaught(); got != caught {
		t.Errorf("%s.CanceledCaught() = %t, want %t", scope, got, caught)
	}
}

func wantElapsed(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("after %v, want after %v", got, want)
	}
}

// wantEffective checks the deadline in force; the zero time means that there is
// none.
func wantEffective(t *testing.T, where string, ctx context.Context, want time.Time) {
	t.Helper()
	got, ok := deadline.Effective(ctx)
	if ok == want.IsZero() || !got.Equal(want) {
		t.Errorf("%s: Effective = %v, %t, want %v, %t", where, got, ok, want, !want.IsZero())
	}
}

// wantDone checks that Effective says that ctx is done already.
func wantDone(t *testing.T, where string, ctx context.Context) {
	t.Helper()
	if got, ok := deadline.Effective(ctx); !ok || !got.IsZero() {
		t.Errorf("%s: Effective = %v, %t, want the zero time, true", where, got, ok)
	}
}

// misuse checks that f panics with a string that begins with want, which names
// the package and the mistake, and continues with what to do.
func misuse(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		got := recover()
		text, ok := got.(string)
		advice, found := strings.CutPrefix(text, want+": ")
		if !ok || !found || advice == "" {
			t.Errorf("panic with %T %v, want a string %q and advice", got, got, want)
		}
	}()
	f()
}
