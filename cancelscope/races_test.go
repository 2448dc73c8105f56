package cancelscope_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
)

// A deadline that the clock shows before the library's timer is served: everything
// below ends with context.DeadlineExceeded all the same.
func TestStressDeadlineSeenByTheClockFirst(t *testing.T) {
	stress.Run(t, 20, func(r *stress.Round) {
		for range 20 {
			limit := time.Duration(r.Rand(0).IntN(int(200 * time.Microsecond)))
			var s cancelscope.Scope
			s.SetTimeout(limit)
			check := func(ctx context.Context) error {
				inScope(ctx, func(ctx context.Context) error {
					derived, cancel := withTimeout(ctx)
					defer cancel()
					done := ctx.Done()
					for ctx.Err() == nil {
					}
					for name, ctx := range map[string]context.Context{"ctx": ctx, "derived": derived} {
						if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != context.Cause(derived) {
							r.Errorf("%s: Err() = %v, context.Cause = %v; want %v and that of the derived one, %v",
								name, ctx.Err(), context.Cause(ctx), context.DeadlineExceeded, context.Cause(derived))
						}
					}
					if !bubbletest.IsClosed(done) {
						r.Errorf("Done is open after Err")
					}
					return nil
				})
				return nil
			}
			_ = s.Run(context.Background(), check)
			_ = deadline.FailAfter(context.Background(), limit, check)
		}
	})
}

// A scope that learns of the cancellation of one further out from the standard library,
// before that one has made it known, does not take it for its own.
func TestStressOuterCancelIsNotTakenForItsOwn(t *testing.T) {
	stress.Run(t, 40, func(r *stress.Round) {
		var outer, between, inner cancelscope.Scope
		_ = outer.Run(context.Background(), func(ctx context.Context) error {
			// The library is busy with these for a while, with inner somewhere among them.
			for range 20_000 {
				_, cancel := context.WithCancel(ctx)
				defer cancel()
			}
			return between.Run(ctx, func(ctx context.Context) error {
				err := inner.Run(ctx, func(ctx context.Context) error {
					done := ctx.Done()
					go outer.Cancel(nil)
					<-done
					return ctx.Err()
				})
				if err != context.Canceled || inner.CanceledCaught() {
					r.Errorf("inner.Run = %v, CanceledCaught() = %v; want %v, false: it was the outer one", err, inner.CanceledCaught(), context.Canceled)
				}
				return err
			})
		})
	})
}

// Cancel returns when everything inside is done, also what another goroutine is about to
// cancel.
func TestCancelWaitsForAnotherCancel(t *testing.T) {
	outer, middle, inner := cancelscope.Scope{}, cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
	outer.Run(t.Context(), func(ctx context.Context) error {
		return middle.Run(ctx, func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				done, closed := ctx.Done(), make(chan bool, 1)
				var later atomic.Bool
				undo := cancelscope.OnPropagation(func() {
					if later.Swap(true) {
						return
					}
					// The middle one is canceled, and the inner one not yet.
					canceling := make(chan struct{})
					go func() {
						close(canceling)
						outer.Cancel(nil)
						closed <- bubbletest.IsClosed(done)
					}()
					<-canceling
					for range 100 {
						runtime.Gosched() // the other goroutine gets to the lock, or past it
					}
				})
				middle.Cancel(nil)
				if !<-closed {
					t.Error("when Cancel of the outer scope has returned, Done of the innermost one is open")
				}
				undo()
				return nil
			})
		})
	})
}

// A shield that was up before the scope around was canceled holds, whatever is asked when.
func TestStressShieldAgainstCancel(t *testing.T) {
	stress.Run(t, 160, func(r *stress.Round) {
		for range 50 {
			outer, s, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}, cancelscope.Scope{}
			_ = outer.Run(context.Background(), func(ctx context.Context) error {
				return s.Run(ctx, func(around context.Context) error {
					return inner.Run(around, func(ctx context.Context) error {
						if r.Rand(0).IntN(2) == 0 {
							ctx.Done()
						}
						var open bool
						together(
							func() { s.SetShield(true); open = around.Err() == nil },
							func() { outer.Cancel(nil) },
							func() { _ = around.Err() },
							func() { _ = ctx.Err() },
						)
						if open && (around.Err() != nil || ctx.Err() != nil) {
							r.Errorf("not canceled when the shield was up, and then Err() = %v, inside %v", around.Err(), ctx.Err())
						}
						return nil
					})
				})
			})
		}
	})
}

// What happens while a scope is becoming calm keeps it from that.
func TestCalmAgainstWhatHappensMeanwhile(t *testing.T) {
	for name, happen := range map[string]func(s *cancelscope.Scope){
		"a shield taken off": func(s *cancelscope.Scope) { s.SetShield(false) },
		"a short timeout":    func(s *cancelscope.Scope) { s.SetTimeout(10 * time.Millisecond) },
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			var s, inner cancelscope.Scope
			s.SetShield(true)
			s.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					first := true
					undo := cancelscope.OnArmed(func() {
						if first {
							happen(&s)
						}
						first = false
					})
					defer undo()
					for range 17 {
						bubbletest.CheckError(t, "Err", ctx.Err(), nil)
					}
					if first || cancelscope.Calm(&inner) {
						t.Errorf("becoming calm: %v, calm: %v; want true, and false because of %s", !first, cancelscope.Calm(&inner), name)
					}
					return nil
				})
			})
		})
	}
}

// A bridge that is built while the scope around is canceled is closed.
func TestStressBridgeAgainstCancel(t *testing.T) {
	stress.Run(t, 40, func(r *stress.Round) {
		for range 100 {
			var outer, middle, inner cancelscope.Scope
			_ = outer.Run(context.Background(), func(ctx context.Context) error {
				return middle.Run(ctx, func(around context.Context) error {
					return inner.Run(around, func(ctx context.Context) error {
						var wg sync.WaitGroup
						wg.Go(func() { <-ctx.Done() }) // hangs if it is not
						wg.Go(func() { <-around.Done() })
						wg.Go(func() { outer.Cancel(nil) })
						wg.Wait()
						return nil
					})
				})
			})
		}
	})
}

// A relayed bridge is closed after the cause of its scope is stored. A look from further in,
// between the two, takes the cause over, and must not close the bridges below with another
// Err.
func TestStressLookBeforeTheBridgeAroundCloses(t *testing.T) {
	stress.Run(t, 200, func(r *stress.Round) {
		var rounds sync.WaitGroup
		for range 50 {
			outer := cancelscope.Scope{Adjustable: true}
			_ = outer.Run(context.Background(), func(ctx context.Context) error {
				for range 4 {
					rounds.Go(func() {
						_ = new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error {
							derived, cancel := context.WithCancel(ctx)
							defer cancel()
							for ctx.Err() == nil {
								runtime.Gosched()
							}
							<-derived.Done()
							if a, b := ctx.Err(), derived.Err(); a != context.DeadlineExceeded || b != a {
								r.Errorf("below a scope whose deadline has passed: Err() = %v, of a derived context %v; want %v",
									a, b, context.DeadlineExceeded)
							}
							return nil
						})
					})
				}
				runtime.Gosched()
				outer.SetTimeout(0)
				rounds.Wait()
				return nil
			})
		}
	})
}
