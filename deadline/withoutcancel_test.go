package deadline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// What a context.WithoutCancel cuts off does not limit the work behind it.
func TestEffectiveWithoutCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			free := context.WithoutCancel(ctx)
			hour, cancel := context.WithTimeout(free, time.Hour)
			defer cancel()
			in := time.Now().Add(time.Hour)
			check := func(when string) {
				t.Helper()
				if got, ok := deadline.Effective(free); ok {
					t.Errorf("%s: Effective of WithoutCancel = %v, true, want none", when, got)
				}
			}
			check("before Cancel")
			s.Cancel(nil)
			check("after Cancel")
			if got, ok := deadline.Effective(hour); !ok || !got.Equal(in) {
				t.Errorf("Effective of WithTimeout of WithoutCancel after Cancel = %v, %v, want %v, true", got, ok, in)
			}
			new(cancelscope.Scope).Run(hour, func(ctx context.Context) error {
				if got, ok := deadline.Effective(ctx); !ok || !got.Equal(in) {
					t.Errorf("Effective of a scope in there = %v, %v, want %v, true", got, ok, in)
				}
				return nil
			})
			return nil
		})
	})
}
