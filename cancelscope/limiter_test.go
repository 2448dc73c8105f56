package cancelscope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// The deadline in force belongs to the scope that has set it, as far as no shield hides it.
func TestLimiter(t *testing.T) {
	errBudget := errors.New("budget")
	limited := func(name string, d time.Duration, shield bool) *cancelscope.Scope {
		s := &cancelscope.Scope{Name: name, Reason: errBudget}
		if d > 0 {
			s.SetTimeout(d)
		}
		s.SetShield(shield)
		return s
	}
	for _, test := range []struct {
		name   string
		scopes []*cancelscope.Scope // from the outside in
		outer  time.Duration        // the timeout of a context outside; 0 for none
		want   string               // the scope; "" for none
		after  time.Duration
	}{
		{name: "none", scopes: []*cancelscope.Scope{limited("a", 0, false)}},
		{name: "own", scopes: []*cancelscope.Scope{limited("a", time.Hour, false)}, want: "a", after: time.Hour},
		{name: "outer", scopes: []*cancelscope.Scope{limited("a", time.Hour, false), limited("b", 2*time.Hour, false)}, want: "a", after: time.Hour},
		{name: "inner", scopes: []*cancelscope.Scope{limited("a", 2*time.Hour, false), limited("b", time.Hour, false)}, want: "b", after: time.Hour},
		{name: "hidden", scopes: []*cancelscope.Scope{limited("a", time.Hour, false), limited("b", 2*time.Hour, true), limited("c", 0, false)}, want: "b", after: 2 * time.Hour},
		{name: "a context outside", scopes: []*cancelscope.Scope{limited("a", time.Hour, false)}, outer: time.Minute},
		{name: "passed", scopes: []*cancelscope.Scope{limited("a", time.Nanosecond, false)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.outer > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.outer)
					defer cancel()
				}
				begin := time.Now()
				for _, s := range test.scopes {
					var end func(*error)
					ctx, end = s.Enter(ctx)
					var err error
					defer end(&err)
				}
				if test.name == "passed" {
					time.Sleep(time.Second)
				}
				name, at, reason := tree.Of(ctx).(tree.Limiter).Limiter()
				wantAt, wantReason := time.Time{}, error(nil)
				if test.want != "" {
					wantAt, wantReason = begin.Add(test.after), errBudget
				}
				if name != test.want || reason != wantReason || !at.Equal(wantAt) {
					t.Errorf("Limiter() = %q, %v, %v; want %q, %v, %v", name, at, reason, test.want, wantAt, wantReason)
				}
			})
		})
	}
}
