package cancelscope_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// A shield over a running scope needs Adjustable, whatever has been asked before.
func TestLateShieldNeedsAdjustable(t *testing.T) {
	const text = "cancelscope: shield put up over a running scope: "
	for name, ask := range map[string]func(ctx context.Context, s *cancelscope.Scope){
		"nothing asked":        func(context.Context, *cancelscope.Scope) {},
		"Err asked":            func(ctx context.Context, _ *cancelscope.Scope) { _ = ctx.Err() },
		"Done asked":           func(ctx context.Context, _ *cancelscope.Scope) { ctx.Done() },
		"canceled":             func(_ context.Context, s *cancelscope.Scope) { s.Cancel(nil) },
		"the shield was there": func(_ context.Context, s *cancelscope.Scope) { s.SetShield(false) },
	} {
		t.Run(name, func(t *testing.T) {
			var s cancelscope.Scope
			if name == "the shield was there" {
				s.SetShield(true)
			}
			s.Run(t.Context(), func(ctx context.Context) error {
				ask(ctx, &s)
				bubbletest.CheckPanics(t, "SetShield(true)", text, func() { s.SetShield(true) })
				s.SetShield(false) // is not up: nothing to object to, and the lock is free
				return nil
			})
			s.SetShield(true) // after the end it does nothing
		})
	}
	t.Run("unless it is up", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetShield(true)
		s.Run(t.Context(), func(context.Context) error { s.SetShield(true); return nil })
	})
}

// A shield that is raised after Done was looked at holds against a context outside.
func TestLateShieldHolds(t *testing.T) {
	bubbletest.Run(t, "", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		s, inner := cancelscope.Scope{Adjustable: true}, cancelscope.Scope{}
		s.Run(outside, func(around context.Context) error {
			return inner.Run(around, func(ctx context.Context) error {
				derived, stop := withTimeout(ctx)
				defer stop()
				done := ctx.Done()
				s.SetShield(true)
				cancel()
				synctest.Wait() // what the cancel has set going has ended
				checkOpen(t, "ctx", ctx)
				checkOpen(t, "derived", derived)
				checkOpen(t, "around", around)
				time.Sleep(time.Minute)
				s.SetShield(false)
				if !bubbletest.IsClosed(done) {
					t.Error("Done is open when the shield is off, want closed")
				}
				checkDone(t, "ctx", ctx, context.Canceled)
				checkDone(t, "derived", derived, context.Canceled)
				return nil
			})
		})
	})
}

// A shield taken off by another goroutine wakes those that wait inside, if there is
// something to wake them, in every kind of scope.
func TestShieldTakenOffWakesWaiters(t *testing.T) {
	for name, end := range map[string]func(outer *cancelscope.Scope, cancel context.CancelFunc){
		"Cancel of the scope outside": func(outer *cancelscope.Scope, _ context.CancelFunc) { outer.Cancel(nil) },
		"a context outside":           func(_ *cancelscope.Scope, cancel context.CancelFunc) { cancel() },
		"a deadline outside": func(outer *cancelscope.Scope, _ context.CancelFunc) {
			outer.SetTimeout(time.Second)
			bubbletest.Linger(time.Minute)
		},
	} {
		for _, before := range []bool{true, false} { // the end comes before the shield is off
			for _, adjustable := range []bool{true, false} {
				bubbletest.Run(t, name, func(t *testing.T) {
					outside, cancel := context.WithCancel(t.Context())
					defer cancel()
					outer, s, inner := new(cancelscope.Scope), cancelscope.Scope{Adjustable: adjustable}, new(cancelscope.Scope)
					s.SetShield(true)
					outer.Run(outside, func(ctx context.Context) error {
						woken := make(chan struct{})
						go s.Run(ctx, func(ctx context.Context) error {
							return inner.Run(ctx, func(ctx context.Context) error {
								<-ctx.Done()
								close(woken)
								return ctx.Err()
							})
						})
						synctest.Wait() // it waits
						if before {
							end(outer, cancel)
							synctest.Wait() // and still does
							if bubbletest.IsClosed(woken) {
								t.Error("woken through the shield")
							}
							s.SetShield(false)
						} else {
							s.SetShield(false)
							synctest.Wait() // nothing has happened
							if bubbletest.IsClosed(woken) {
								t.Error("woken by the shield alone")
							}
							end(outer, cancel)
						}
						<-woken
						synctest.Wait() // the scopes have been left
						return nil
					})
				})
			}
		}
	}
}

// A scope that is canceled while it is about to move stays where it is.
func TestStressMoveOfAScopeThatIsCanceled(t *testing.T) {
	stress.Run(t, 30, func(r *stress.Round) {
		for range 100 {
			var from, to, task cancelscope.Scope
			to.Run(context.Background(), func(there context.Context) error {
				return from.Run(context.Background(), func(here context.Context) error {
					return task.Run(here, func(ctx context.Context) error {
						tree.Of(ctx).Movable()
						if r.Rand(0).IntN(2) == 0 {
							ctx.Done()
						}
						moved := false
						together(
							func() { moved = tree.Of(ctx).Move(tree.Of(there)) },
							func() { from.Cancel(nil) },
						)
						if moved == (ctx.Err() != nil) {
							r.Errorf("moved: %v, Err() = %v; want the one or the other", moved, ctx.Err())
						}
						return nil
					})
				})
			})
		}
	})
}
