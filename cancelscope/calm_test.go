package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// poll asks ctx for Err as often as a loop does.
func poll(ctx context.Context) (err error) {
	for range 20 {
		err = ctx.Err()
	}
	return err
}

// A scope is calm when it has been asked often and nothing around it is near its end.
func TestCalm(t *testing.T) {
	limited := func(d time.Duration) *cancelscope.Scope {
		s := new(cancelscope.Scope)
		s.SetTimeout(d)
		return s
	}
	shielded := &cancelscope.Scope{Adjustable: true}
	shielded.SetShield(true)
	for name, c := range map[string]struct {
		around, s *cancelscope.Scope
		foreign   bool // below a standard context
		want      bool
	}{
		"under a standard context":              {nil, new(cancelscope.Scope), true, true},
		"with nothing around":                   {nil, new(cancelscope.Scope), false, true},
		"with a deadline":                       {nil, limited(time.Hour), true, true},
		"with a near deadline":                  {nil, limited(20 * time.Millisecond), true, false},
		"below a deadline":                      {limited(time.Hour), new(cancelscope.Scope), true, true},
		"below a near deadline":                 {limited(20 * time.Millisecond), new(cancelscope.Scope), true, false},
		"adjustable":                            {nil, &cancelscope.Scope{Adjustable: true}, true, true},
		"adjustable, in a scope":                {new(cancelscope.Scope), &cancelscope.Scope{Adjustable: true}, true, true},
		"in an adjustable one":                  {&cancelscope.Scope{Adjustable: true}, new(cancelscope.Scope), true, true},
		"with a deadline, in an adjustable one": {&cancelscope.Scope{Adjustable: true}, limited(time.Hour), true, false},
		"with a deadline, under a shield":       {shielded, limited(time.Hour), true, true},
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			outside := context.Background()
			if c.foreign {
				var cancel context.CancelFunc
				outside, cancel = context.WithCancel(outside)
				defer cancel()
			}
			run := func(ctx context.Context) error {
				return c.s.Run(ctx, func(ctx context.Context) error {
					bubbletest.CheckError(t, "Err", poll(ctx), nil)
					if got := cancelscope.Calm(c.s); got != c.want {
						t.Errorf("after 20 calls of Err it is calm: %v, want %v", got, c.want)
					}
					checkOpen(t, "ctx", ctx)
					return nil
				})
			}
			if c.around == nil {
				run(outside)
			} else {
				c.around.Run(outside, run)
			}
		})
	}
}

// Two questions are one too many: a bridge with a timer of its own, in an adjustable scope
// that hangs below another bridge.
func TestNotCalmIfTwoHaveToBeAsked(t *testing.T) {
	outside, cancel := context.WithCancel(t.Context())
	around, adjustable, s := new(cancelscope.Scope), &cancelscope.Scope{Adjustable: true}, new(cancelscope.Scope)
	s.SetTimeout(time.Hour)
	around.Run(outside, func(ctx context.Context) error {
		return adjustable.Run(ctx, func(ctx context.Context) error {
			return s.Run(ctx, func(ctx context.Context) error {
				bubbletest.CheckError(t, "Err", poll(ctx), nil)
				if cancelscope.Calm(s) {
					t.Error("calm, and what is around the adjustable scope is not asked")
				}
				cancel()
				checkDone(t, "ctx", ctx, context.Canceled)
				return nil
			})
		})
	})
}

// Calm or not, a deadline counts from the instant that it has passed.
func TestCalmScopesSeeDeadlinesAtTheirInstant(t *testing.T) {
	for name, set := range map[string]func(outer, inner *cancelscope.Scope){
		"its own":                   func(_, s *cancelscope.Scope) { s.SetTimeout(time.Minute) },
		"of the scope around":       func(s, _ *cancelscope.Scope) { s.SetTimeout(time.Minute) },
		"of both, the inner first":  func(s, in *cancelscope.Scope) { s.SetTimeout(time.Hour); in.SetTimeout(time.Minute) },
		"of both, the outer first":  func(s, in *cancelscope.Scope) { s.SetTimeout(time.Minute); in.SetTimeout(time.Hour) },
		"of both, at the same time": func(s, in *cancelscope.Scope) { s.SetTimeout(time.Minute); in.SetTimeout(time.Minute) },
	} {
		for _, adjustable := range []bool{false, true} {
			for _, late := range []bool{false, true} {
				bubbletest.Run(t, name, func(t *testing.T) {
					outer, inner := cancelscope.Scope{Adjustable: adjustable}, cancelscope.Scope{Adjustable: adjustable}
					if !late {
						set(&outer, &inner)
					}
					outer.Run(t.Context(), func(ctx context.Context) error {
						return inner.Run(ctx, func(ctx context.Context) error {
							poll(ctx)
							if late {
								set(&outer, &inner)
							}
							for range 3 {
								bubbletest.CheckError(t, "Err", poll(ctx), nil)
								time.Sleep(20*time.Second - 1)
							}
							bubbletest.CheckError(t, "Err, three nanoseconds before", poll(ctx), nil)
							time.Sleep(3 * time.Nanosecond)
							want := context.DeadlineExceeded
							if late && !adjustable {
								want = context.Canceled
							}
							checkDone(t, "ctx at the deadline", ctx, want)
							causeOf(t, "ctx", ctx, cancelscope.ByDeadline)
							return nil
						})
					})
				})
			}
		}
	}
}

// What happens around a calm scope ends its calm before it counts.
func TestCalmEnds(t *testing.T) {
	// inside runs f in a calm scope of two, below outside.
	inside := func(t *testing.T, adjustable bool, f func(outer *cancelscope.Scope, ctx context.Context, cancel context.CancelFunc)) {
		outside, cancel := context.WithCancel(context.Background())
		defer cancel()
		outer, inner := &cancelscope.Scope{Adjustable: adjustable}, new(cancelscope.Scope)
		outer.Run(outside, func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				bubbletest.CheckError(t, "Err", poll(ctx), nil)
				if !cancelscope.Calm(inner) {
					t.Fatal("not calm after 20 calls of Err")
				}
				f(outer, ctx, cancel)
				return nil
			})
		})
	}
	for _, adjustable := range []bool{false, true} {
		t.Run("Cancel", func(t *testing.T) {
			inside(t, adjustable, func(outer *cancelscope.Scope, ctx context.Context, _ context.CancelFunc) {
				outer.Cancel(errBoom)
				checkDone(t, "ctx", ctx, context.Canceled)
			})
		})
		t.Run("a context outside", func(t *testing.T) {
			inside(t, adjustable, func(_ *cancelscope.Scope, ctx context.Context, cancel context.CancelFunc) {
				cancel()
				checkDone(t, "ctx", ctx, context.Canceled)
			})
		})
		bubbletest.Run(t, "a short timeout", func(t *testing.T) {
			inside(t, adjustable, func(outer *cancelscope.Scope, ctx context.Context, _ context.CancelFunc) {
				outer.SetTimeout(10 * time.Millisecond)
				bubbletest.CheckError(t, "Err", poll(ctx), nil)
				time.Sleep(10 * time.Millisecond)
				if ctx.Err() == nil {
					t.Error("Err() at the deadline = nil")
				}
			})
		})
	}
	bubbletest.Run(t, "a deadline that moves away, and comes", func(t *testing.T) {
		inside(t, true, func(outer *cancelscope.Scope, ctx context.Context, _ context.CancelFunc) {
			outer.SetTimeout(time.Second)
			poll(ctx)
			time.Sleep(990 * time.Millisecond)
			bubbletest.CheckError(t, "Err, near the deadline", poll(ctx), nil)
			outer.SetTimeout(time.Hour)
			time.Sleep(time.Minute)
			bubbletest.CheckError(t, "Err, the deadline far", poll(ctx), nil)
			time.Sleep(59 * time.Minute)
			checkDone(t, "ctx", ctx, context.DeadlineExceeded)
		})
	})
	bubbletest.Run(t, "a deadline that has moved away, but not when its timer fires", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(time.Second)
		s.Run(t.Context(), func(ctx context.Context) error {
			poll(ctx)
			s.SetTimeout(time.Hour)
			time.Sleep(time.Minute)
			bubbletest.CheckError(t, "Err", poll(ctx), nil)
			if !cancelscope.Calm(&s) {
				t.Error("not calm after 20 calls of Err, an hour before the deadline")
			}
			return nil
		})
	})
	bubbletest.Run(t, "a deadline that has moved away a little, when its timer fires", func(t *testing.T) {
		s := cancelscope.Scope{Adjustable: true}
		s.SetTimeout(100 * time.Millisecond)
		s.Run(t.Context(), func(ctx context.Context) error {
			poll(ctx)
			time.Sleep(50 * time.Millisecond)
			s.SetTimeout(51 * time.Millisecond)
			poll(ctx)
			time.Sleep(31 * time.Millisecond)
			bubbletest.CheckError(t, "Err, near the deadline", poll(ctx), nil)
			if cancelscope.Calm(&s) {
				t.Error("calm 20 milliseconds before the deadline")
			}
			time.Sleep(20 * time.Millisecond)
			checkDone(t, "ctx at the deadline", ctx, context.DeadlineExceeded)
			return nil
		})
	})
	t.Run("a shield", func(t *testing.T) {
		inside(t, true, func(outer *cancelscope.Scope, ctx context.Context, cancel context.CancelFunc) {
			outer.SetShield(true)
			bubbletest.CheckError(t, "Err", poll(ctx), nil)
			cancel()
			bubbletest.CheckError(t, "Err under a shield", poll(ctx), nil)
			outer.SetShield(false)
			checkDone(t, "ctx", ctx, context.Canceled)
		})
	})
	t.Run("a shield that is taken off", func(t *testing.T) {
		for _, adjustable := range []bool{false, true} {
			outside, cancel := context.WithCancel(context.Background())
			outer, inner := &cancelscope.Scope{Adjustable: adjustable}, new(cancelscope.Scope)
			outer.SetShield(true)
			outer.Run(outside, func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error {
					bubbletest.CheckError(t, "Err under a shield", poll(ctx), nil)
					outer.SetShield(false)
					bubbletest.CheckError(t, "Err without", ctx.Err(), nil)
					cancel()
					if ctx.Err() == nil {
						t.Error("Err() = nil when the context outside is canceled and the shield off")
					}
					return nil
				})
			})
		}
	})
	bubbletest.Run(t, "a move", func(t *testing.T) {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(to context.Context) error {
			between, cancel := context.WithCancel(t.Context())
			var task cancelscope.Scope
			return task.Run(between, func(ctx context.Context) error {
				tree.Of(ctx).Movable()
				poll(ctx)
				tree.Of(ctx).Move(tree.Of(to))
				cancel()
				bubbletest.CheckError(t, "Err after the move and a cancel of the old parent", poll(ctx), nil)
				outer.SetTimeout(time.Second)
				poll(ctx)
				time.Sleep(time.Second)
				if ctx.Err() == nil {
					t.Error("Err() = nil at the deadline of the scope that it has moved to")
				}
				return nil
			})
		})
	})
}

// A scope that has moved sees the deadlines of its new place, also if nothing has happened
// at its old one.
func TestCalmOfAScopeThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer, task cancelscope.Scope
		outer.Run(t.Context(), func(to context.Context) error {
			return task.Run(t.Context(), func(ctx context.Context) error {
				tree.Of(ctx).Movable()
				poll(ctx)
				tree.Of(ctx).Move(tree.Of(to))
				outer.SetTimeout(time.Second)
				poll(ctx)
				for range 50 {
					time.Sleep(20 * time.Millisecond)
					if now := ctx.Err(); now != nil != outer.CancelCalled() {
						t.Fatalf("Err() = %v, and of the deadline around it is %v that it has passed", now, outer.CancelCalled())
					}
				}
				return nil
			})
		})
	})
}

// Below a scope of ours that is hidden behind a context of the standard library, clocks
// are compared all the same.
func TestCalmIsNotBlindBeyondStandardContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_ = deadline.FailAfter(t.Context(), time.Second, func(ctx context.Context) error {
			between, cancel := context.WithCancel(ctx)
			defer cancel()
			var s cancelscope.Scope
			return s.Run(between, func(ctx context.Context) error {
				bubbletest.CheckError(t, "Err", poll(ctx), nil)
				time.Sleep(time.Second)
				checkDone(t, "ctx", ctx, context.DeadlineExceeded)
				return nil
			})
		})
	})
}

// When Done is closed the calm is over, although the cause has not got there.
func TestCalmIsOverWhenDoneIsClosed(t *testing.T) {
	var outer, inner cancelscope.Scope
	outer.Run(context.Background(), func(around context.Context) error {
		around.Done()
		return inner.Run(around, func(ctx context.Context) error {
			poll(ctx)
			if !cancelscope.Calm(&inner) {
				t.Fatal("not calm after 20 calls of Err")
			}
			done := ctx.Done()
			first := true
			undo := cancelscope.OnPropagation(func() {
				if !first {
					return // that of the inner scope, from inside this one
				}
				first = false // the outer scope is canceled, and locked
				if closed, err := bubbletest.IsClosed(done), ctx.Err(); closed && err == nil {
					t.Error("inside, Done is closed and Err() = nil")
				}
			})
			defer undo()
			outer.Cancel(nil)
			checkDone(t, "ctx", ctx, context.Canceled)
			return nil
		})
	})
}

// Of two deadlines that pass together the outer one counts. The timer of the inner one, which
// runs because the scopes were calm, may be served first. Whatever is derived inside ends with
// context.DeadlineExceeded all the same, which only the timer of the outer one can give it.
func TestCalmBelowTwoDeadlinesThatPassTogether(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			var outer, inner, innermost cancelscope.Scope
			outer.SetTimeout(time.Second)
			inner.SetTimeout(time.Second)
			block := func(ctx context.Context) error {
				derived, cancel := context.WithCancel(ctx)
				defer cancel()
				for range 20 { // which makes the scopes calm
					if err := ctx.Err(); err != nil {
						t.Errorf("Err() = %v, want nil", err)
					}
				}
				<-derived.Done()
				if err := derived.Err(); err != context.DeadlineExceeded {
					t.Errorf("Err() of the derived context = %v, want context.DeadlineExceeded", err)
				}
				return ctx.Err()
			}
			_ = outer.Run(t.Context(), func(ctx context.Context) error {
				return inner.Run(ctx, func(ctx context.Context) error { return innermost.Run(ctx, block) })
			})
			if !outer.CanceledCaught() || inner.CanceledCaught() {
				t.Errorf("CanceledCaught of the outer and the inner scope = %t and %t, want true and false", outer.CanceledCaught(), inner.CanceledCaught())
			}
		})
		if t.Failed() {
			return
		}
	}
}

// calm is taken away before anything that ends the calm counts: a goroutine that has
// seen Done closed, or Cancel return, does not see Err nil.
func TestStressCalm(t *testing.T) {
	stress.Run(t, 300, func(r *stress.Round) {
		rng := r.Rand(0)
		outside, cancel := context.WithCancel(context.Background())
		defer cancel()
		ctx := context.Background()
		if rng.IntN(2) == 0 {
			ctx = outside
		}
		l := newLine(ctx, 4, 0)
		defer l.leave()
		low, top := l.ctxs[3], rng.IntN(4)
		done := low.Done()
		end := []func(){
			func() { l.scopes[top].Cancel(errors.New("enough")) },
			func() { l.scopes[top].SetTimeout(0) },
			func() { l.scopes[top].SetTimeout(time.Duration(rng.IntN(int(time.Millisecond)))); <-done },
		}[rng.IntN(3)]
		loop := func() {
			for n := 0; ; n++ {
				closed := bubbletest.IsClosed(done)
				if err := low.Err(); err != nil {
					return
				}
				if closed {
					r.Errorf("Err() = nil after Done was closed")
					return
				}
				if n%64 == 0 {
					runtime.Gosched()
				}
			}
		}
		together(loop, loop,
			func() {
				l.scopes[1].SetShield(true)
				runtime.Gosched()
				l.scopes[1].SetShield(false)
			},
			func() {
				end()
				if low.Err() == nil && top != 0 {
					r.Errorf("Err() = nil when the scope around was canceled")
				}
			})
	})
}
