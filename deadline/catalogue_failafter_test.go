package deadline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func TestCatalogueFailAfter(t *testing.T) {
	for _, limit := range []time.Duration{0, 100 * time.Millisecond} {
		// catalogue: anyio/test_taskgroups.py::test_fail_after
		inBubble(t, "relative "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(limit)
			overrun(t, &s, limit)
		})

		// catalogue: anyio/test_taskgroups.py::test_fail_at
		inBubble(t, "absolute "+limit.String(), func(t *testing.T) {
			var s cancelscope.Scope
			s.SetDeadline(time.Now().Add(limit))
			overrun(t, &s, limit)
		})
	}
	// catalogue: anyio/test_taskgroups.py::test_fail_at
	inBubble(t, "FailAt now", func(t *testing.T) {
		at := time.Now()
		wantTooSlow(t, "FailAt(now)", deadline.FailAt(t.Context(), at, sleepFor(year)), deadline.TooSlowError{Deadline: at})
	})
}

// overrun runs a block that would take a year in s, which has limit.
func overrun(t *testing.T, s *cancelscope.Scope, limit time.Duration) {
	t.Helper()
	start := time.Now()
	err := deadline.FailScope(t.Context(), s, func(ctx context.Context) error {
		err := deadline.Sleep(ctx, year)
		wantCanceled(t, "Sleep", err, cancelscope.ByDeadline)
		if cause := context.Cause(ctx); !strings.Contains(cause.Error(), "deadline") {
			t.Errorf("context.Cause(ctx) = %q, want the word deadline in it", cause)
		}
		return err
	})
	wantTooSlow(t, "FailScope", err, deadline.TooSlowError{Limit: limit, Deadline: start.Add(limit)})
	wantElapsed(t, start, limit)
	wantFlags(t, "s", s, true, true)
}

func TestCatalogueFailReason(t *testing.T) {
	tests := []struct {
		name string
		set  func(s *cancelscope.Scope)
	}{
		// catalogue: anyio/test_taskgroups.py::test_fail_after_reason
		{"relative", func(s *cancelscope.Scope) { s.SetTimeout(time.Second) }},
		// catalogue: anyio/test_taskgroups.py::test_fail_at_reason
		{"absolute", func(s *cancelscope.Scope) { s.SetDeadline(time.Now().Add(time.Second)) }},
	}
	for _, test := range tests {
		inBubble(t, test.name, func(t *testing.T) {
			at := time.Now().Add(time.Second)
			s := cancelscope.Scope{Name: "waiting for the ferry"}
			test.set(&s)
			err := deadline.FailScope(t.Context(), &s, sleepFor(year))
			want := deadline.TooSlowError{Name: "waiting for the ferry", Limit: time.Second, Deadline: at}
			wantTooSlow(t, "FailScope", err, want)
			if err != nil && !strings.Contains(err.Error(), `"waiting for the ferry"`) {
				t.Errorf("FailScope: error %q, want the scope's name in it", err)
			}
			wantFlags(t, "s", &s, true, true)
		})
	}
}

func TestCatalogueFailByHand(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_fail_after_cancelled_before_deadline
	inBubble(t, "before the deadline", func(t *testing.T) {
		start := time.Now()
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.Cancel(nil)
			return deadline.Sleep(ctx, year)
		})
		wantNil(t, "FailScope", err)
		wantElapsed(t, start, 0)
		wantFlags(t, "s", &s, true, true)
	})

	// catalogue: anyio/test_taskgroups.py::test_fail_after_scope_cancelled_before_timeout
	inBubble(t, "and the deadline passes before the next checkpoint", func(t *testing.T) {
		start := time.Now()
		stop := errors.New("stop")
		var s cancelscope.Scope
		s.SetTimeout(100 * time.Millisecond)
		err := deadline.FailScope(t.Context(), &s, func(ctx context.Context) error {
			s.Cancel(stop)
			time.Sleep(110 * time.Millisecond)
			err := deadline.Sleep(ctx, 0)
			wantCanceled(t, "Sleep", err, cancelscope.ByCall)
			if !errors.Is(err, stop) {
				t.Errorf("Sleep = %v, want the reason %v of the first cancellation in it", err, stop)
			}
			return err
		})
		wantNil(t, "FailScope", err)
		wantElapsed(t, start, 110*time.Millisecond)
		wantFlags(t, "s", &s, true, true)
	})
}
