package deadline_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// catalogue: trio/test_run.py::test_current_effective_deadline
func TestCatalogueEffective(t *testing.T) {
	inBubble(t, "the nearest up to a shield", func(t *testing.T) {
		start := time.Now()
		at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
		background := context.Background()
		wantEffective(t, "outside", background, time.Time{})

		outer := cancelscope.Scope{Adjustable: true}
		err := outer.Run(background, func(ctx1 context.Context) error {
			wantEffective(t, "in a scope without a deadline", ctx1, time.Time{})
			outer.SetDeadline(at(10))
			wantEffective(t, "once it has one", ctx1, at(10))

			inner := cancelscope.Scope{Adjustable: true}
			inner.SetDeadline(at(5))
			err := inner.Run(ctx1, func(ctx2 context.Context) error {
				wantEffective(t, "inside, which is due earlier", ctx2, at(5))
				inner.SetDeadline(at(20))
				wantEffective(t, "inside, which is due later", ctx2, at(10))
				inner.SetShield(true)
				wantEffective(t, "inside, shielded", ctx2, at(20))
				outer.SetDeadline(at(15))
				wantEffective(t, "outside, while the inner one is shielded", ctx1, at(15))
				wantEffective(t, "inside, while the outer one moves", ctx2, at(20))
				inner.SetDeadline(time.Time{})
				wantEffective(t, "inside, shielded without a deadline", ctx2, time.Time{})
				inner.SetDeadline(at(99))
				inner.SetShield(false)
				wantEffective(t, "inside, not shielded any more", ctx2, at(15))
				inner.SetDeadline(at(14))
				wantEffective(t, "inside, moved to an earlier time", ctx2, at(14))

				// No shield: both see the cancellation of the outer one.
				outer.Cancel(nil)
				wantDone(t, "inside, the outer one canceled", ctx2)
				wantDone(t, "outside, canceled", ctx1)
				return nil
			})
			wantNil(t, "inner Run", err)
			wantDone(t, "in the outer one again", ctx1)
			return nil
		})
		wantNil(t, "outer Run", err)
		wantEffective(t, "outside again", background, time.Time{})
	})

	inBubble(t, "a cancellation behind a shield", func(t *testing.T) {
		start := time.Now()
		var outer, inner cancelscope.Scope
		inner.SetShield(true)
		inner.SetDeadline(start.Add(time.Hour))
		err := outer.Run(t.Context(), func(ctx1 context.Context) error {
			outer.Cancel(nil)
			return inner.Run(ctx1, func(ctx2 context.Context) error {
				wantDone(t, "outside", ctx1)
				wantEffective(t, "behind the shield", ctx2, start.Add(time.Hour))
				inner.SetShield(false)
				wantDone(t, "without the shield", ctx2)
				return nil
			})
		})
		wantNil(t, "Run", err)
	})

	inBubble(t, "a deadline that has passed", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			wantDone(t, "at the deadline", ctx)
			return nil
		})
		wantNil(t, "Run", err)
	})

	inBubble(t, "restored on exit", func(t *testing.T) {
		start := time.Now()
		var outer, inner cancelscope.Scope
		outer.SetDeadline(start.Add(time.Hour))
		inner.SetDeadline(start.Add(time.Minute))
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			err := inner.Run(ctx, func(ctx context.Context) error {
				wantEffective(t, "inside", ctx, start.Add(time.Minute))
				return nil
			})
			wantEffective(t, "when the inner one has been left", ctx, start.Add(time.Hour))
			return err
		})
		wantNil(t, "Run", err)
	})
}
