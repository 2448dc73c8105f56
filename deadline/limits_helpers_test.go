package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

// year is a wait that no test gets to the end of, unless nothing ends it.
const year = 365 * 24 * time.Hour

// sleepFor returns a block that sleeps and returns what the sleep returned.
func sleepFor(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error { return deadline.Sleep(ctx, d) }
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
