package cancelscope_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// A witness collects what must be done when the cancel function of a context outside has
// returned.
type witness struct {
	mu       sync.Mutex
	contexts []context.Context
	channels []<-chan struct{}
	cancels  []context.CancelFunc
}

// see asks ctx for Done and derives contexts from it.
func (w *witness) see(ctx context.Context) {
	done := ctx.Done()
	withCancel, cancel1 := context.WithCancel(ctx)
	withTimeout, cancel2 := context.WithTimeout(context.WithValue(ctx, key("k"), 1), time.Hour)
	below, cancel3 := context.WithCancelCause(withTimeout)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.contexts = append(w.contexts, ctx, withCancel, withTimeout, below)
	w.channels = append(w.channels, done, withCancel.Done(), below.Done())
	w.cancels = append(w.cancels, cancel1, cancel2, func() { cancel3(nil) })
}

// late returns how many channels are open and how many contexts are not done as want.
func (w *witness) late(want, cause error) (open, undone int) {
	for _, done := range w.channels {
		if !bubbletest.IsClosed(done) {
			open++
		}
	}
	// The derived ones first: to ask the context of a scope may be what cancels others.
	for _, ctx := range slices.Backward(w.contexts) {
		if ctx.Err() != want || context.Cause(ctx) != cause {
			undone++
		}
	}
	return open, undone
}

// A block is what runs in a scope.
type block = func(ctx context.Context) error

// inScope runs f in a scope of the caller's.
func inScope(ctx context.Context, f block) { _ = new(cancelscope.Scope).Run(ctx, f) }

// shapes are ways to be below a standard context. Each calls f, in any goroutine, and
// returns after it.
var shapes = map[string]func(ctx context.Context, see func(ctx context.Context), f block){
	"a scope": func(ctx context.Context, _ func(context.Context), f block) { inScope(ctx, f) },
	"nested scopes, of which the inner one is seen": func(ctx context.Context, _ func(context.Context), f block) {
		inScope(ctx, func(ctx context.Context) error { inScope(ctx, f); return nil })
	},
	"nested scopes, each seen": func(ctx context.Context, see func(context.Context), f block) {
		inScope(ctx, func(ctx context.Context) error {
			see(ctx)
			inScope(ctx, func(ctx context.Context) error { see(ctx); inScope(ctx, f); return nil })
			return nil
		})
	},
	"an outer scope that is seen later": func(ctx context.Context, see func(context.Context), f block) {
		inScope(ctx, func(outer context.Context) error {
			inScope(outer, func(ctx context.Context) error { ctx.Done(); see(outer); return f(ctx) })
			return nil
		})
	},
	"values between": func(ctx context.Context, _ func(context.Context), f block) {
		inScope(context.WithValue(ctx, key("k"), 1), func(ctx context.Context) error {
			inScope(context.WithValue(ctx, key("k"), 2), f)
			return nil
		})
	},
	"standard contexts between": func(ctx context.Context, see func(context.Context), f block) {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		inScope(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			see(ctx)
			inScope(ctx, f)
			return nil
		})
	},
	"a wrapper around the parent": func(ctx context.Context, _ func(context.Context), f block) {
		inScope(struct{ context.Context }{ctx}, f)
	},
	"FailAfter": func(ctx context.Context, _ func(context.Context), f block) { _ = deadline.FailAfter(ctx, time.Hour, f) },
	"FailAt in a scope": func(ctx context.Context, _ func(context.Context), f block) {
		inScope(ctx, func(ctx context.Context) error { return deadline.FailAt(ctx, time.Now().Add(time.Hour), f) })
	},
	"MoveOnAfter in FailAfter": func(ctx context.Context, see func(context.Context), f block) {
		_ = deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
			see(ctx)
			_, err := deadline.MoveOnAfter(ctx, time.Minute, f)
			return err
		})
	},
	"ten limits": func(ctx context.Context, _ func(context.Context), f block) { tenLimits(ctx, 10, f) },
	"a scope with a deadline": func(ctx context.Context, _ func(context.Context), f block) {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		_ = deadline.FailScope(ctx, &s, f)
	},
	"a scope with a deadline set late": func(ctx context.Context, see func(context.Context), f block) {
		var s cancelscope.Scope
		_ = s.Run(ctx, func(ctx context.Context) error {
			see(ctx)
			s.SetTimeout(time.Hour)
			inScope(ctx, f)
			return nil
		})
	},
	"a shield taken off before Done was asked for": func(ctx context.Context, _ func(context.Context), f block) {
		var s cancelscope.Scope
		s.SetShield(true)
		_ = s.Run(ctx, func(ctx context.Context) error { s.SetShield(false); inScope(ctx, f); return nil })
	},
	"a nursery and its tasks": func(ctx context.Context, see func(context.Context), f block) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			see(ctx)
			n.Go(f)
			return nil
		})
	},
	"a spawned task": func(ctx context.Context, _ func(context.Context), f block) {
		_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			nursery.Spawn(n, "", func(ctx context.Context) (int, error) { return 0, f(ctx) })
			return nil
		})
	},
	"a nursery in a nursery, with a limit between": func(ctx context.Context, _ func(context.Context), f block) {
		_ = nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
			return deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(f); return nil })
			})
		})
	},
	"a nursery with a timeout": func(ctx context.Context, _ func(context.Context), f block) {
		_ = nursery.Config{Timeout: time.Hour}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(f); return nil })
	},
	"the items of ForEach": func(ctx context.Context, _ func(context.Context), f block) {
		_ = nursery.ForEach(ctx, 2, slices.Values([]int{1}), func(ctx context.Context, _ int) error { return f(ctx) })
	},
	"a task that has moved before Done was asked for": func(ctx context.Context, _ func(context.Context), f block) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				started(1)
				return f(ctx)
			})
			return err
		})
	},
}

func tenLimits(ctx context.Context, depth int, f block) {
	_ = deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
		if depth == 1 {
			return f(ctx)
		}
		tenLimits(ctx, depth-1, f)
		return nil
	})
}

// When the cancel function of a context outside has returned, everything below is done.
func TestCancelOutsideReachesAllBelowBeforeItReturns(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			late := 0
			for range rounds {
				outside, cancel := context.WithCancelCause(context.Background())
				var w witness
				shape(outside, w.see, func(ctx context.Context) error {
					w.see(ctx)
					cancel(errBoom)
					if open, undone := w.late(context.Canceled, errBoom); open+undone > 0 {
						if late++; late == 1 {
							t.Errorf("when cancel has returned, %d of %d channels are open and %d of %d contexts not done", open, len(w.channels), undone, len(w.contexts))
						}
					}
					return nil
				})
				for _, cancel := range w.cancels {
					cancel()
				}
			}
			if late > 0 {
				t.Errorf("late in %d of %d rounds, want none", late, rounds)
			}
		})
	}
}

// So it is when scopes are entered, contexts derived and channels asked for while the
// context outside is being canceled.
func TestCancelOutsideReachesWhatIsMadeMeanwhile(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	late := 0
	for range rounds {
		outside, cancel := context.WithCancel(context.Background())
		_ = nursery.Run(outside, func(ctx context.Context, n *nursery.Nursery) error {
			var w witness
			canceled := make(chan struct{})
			go func() { cancel(); close(canceled) }()
			w.see(ctx)
			_ = deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
				w.see(ctx)
				inScope(ctx, func(ctx context.Context) error {
					w.see(ctx)
					<-canceled
					if open, undone := w.late(context.Canceled, context.Canceled); open+undone > 0 {
						late++
					}
					return nil
				})
				return nil
			})
			for _, cancel := range w.cancels {
				cancel()
			}
			return nil
		})
	}
	if late > 0 {
		t.Errorf("late in %d of %d rounds, want none", late, rounds)
	}
}

// The exceptions: there the scope itself says so at once, and channels and contexts
// derived before follow from another goroutine.
func TestCancelOutsideReachesTheExceptionsLater(t *testing.T) {
	exceptions := map[string]func(ctx context.Context, f block){
		"an adjustable scope": func(ctx context.Context, f block) { _ = (&cancelscope.Scope{Adjustable: true}).Run(ctx, f) },
		"a scope in an adjustable one": func(ctx context.Context, f block) {
			_ = (&cancelscope.Scope{Adjustable: true}).Run(ctx, func(ctx context.Context) error { inScope(ctx, f); return nil })
		},
		"an adjustable scope in another": func(ctx context.Context, f block) {
			inScope(ctx, func(ctx context.Context) error { return (&cancelscope.Scope{Adjustable: true}).Run(ctx, f) })
		},
		"a shield taken off when Done had been asked for": func(ctx context.Context, f block) {
			var s cancelscope.Scope
			s.SetShield(true)
			_ = s.Run(ctx, func(ctx context.Context) error { ctx.Done(); s.SetShield(false); return f(ctx) })
		},
		"a task before started": func(ctx context.Context, f block) {
			var s cancelscope.Scope
			_ = s.Run(ctx, func(ctx context.Context) error { tree.Of(ctx).Movable(); return f(ctx) })
		},
		"a task that has moved when Done had been asked for": func(ctx context.Context, f block) {
			inScope(ctx, func(outer context.Context) error {
				var s cancelscope.Scope
				return s.Run(outer, func(ctx context.Context) error {
					tree.Of(ctx).Movable()
					ctx.Done()
					tree.Of(ctx).Move(tree.Of(outer))
					return f(ctx)
				})
			})
		},
		"a context of the user's own between": func(ctx context.Context, f block) {
			outside := newForeignContext(ctx)
			stop := context.AfterFunc(ctx, func() { outside.cancel(context.Cause(ctx)) })
			defer stop()
			inScope(outside, func(ctx context.Context) error { return f(ctx) })
		},
	}
	for name, run := range exceptions {
		bubbletest.Run(t, name, func(t *testing.T) {
			outside, cancel := context.WithCancelCause(t.Context())
			run(outside, func(ctx context.Context) error {
				derived, stop := withTimeout(ctx)
				defer stop()
				done := ctx.Done()
				cancel(errBoom)
				if name != "a context of the user's own between" && ctx.Err() != context.Canceled {
					t.Errorf("Err() = %v when cancel has returned, want %v", ctx.Err(), context.Canceled)
				}
				<-done
				<-derived.Done()
				checkDone(t, "ctx", ctx, context.Canceled)
				checkDone(t, "derived", derived, context.Canceled)
				bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), errBoom)
				bubbletest.CheckError(t, "context.Cause(derived)", context.Cause(derived), errBoom)
				return nil
			})
		})
	}
}

// No shape costs a goroutine for each scope or derived context.
func TestShapesCostNoGoroutine(t *testing.T) {
	awaitNoWatchers(t)
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			outside, cancel := context.WithCancel(context.Background())
			defer cancel()
			var w witness
			shape(outside, w.see, func(ctx context.Context) error {
				w.see(ctx)
				if n := watchers(); n != 0 {
					t.Errorf("%d goroutines wait for a context, want 0", n)
				}
				return nil
			})
			for _, cancel := range w.cancels {
				cancel()
			}
		})
	}
}

// A deadline that was set before Run ends everything below with
// context.DeadlineExceeded, timers or not.
func TestDeadlineBeforeRunIsDeadlineExceededBelow(t *testing.T) {
	for name, limited := range map[string]func(ctx context.Context, f block){
		"FailAfter":   func(ctx context.Context, f block) { _ = deadline.FailAfter(ctx, time.Second, f) },
		"MoveOnAfter": func(ctx context.Context, f block) { _, _ = deadline.MoveOnAfter(ctx, time.Second, f) },
		"a scope": func(ctx context.Context, f block) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, f)
		},
		"a shielded scope": func(ctx context.Context, f block) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			s.SetShield(true)
			_ = s.Run(ctx, f)
		},
		"an adjustable scope": func(ctx context.Context, f block) {
			s := cancelscope.Scope{Adjustable: true}
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, f)
		},
		"a nursery": func(ctx context.Context, f block) {
			_ = nursery.Config{Timeout: time.Second}.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return f(ctx) })
		},
		"a scope inside": func(ctx context.Context, f block) {
			_ = deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error { inScope(ctx, f); return nil })
		},
		"a later limit inside": func(ctx context.Context, f block) {
			_ = deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error { return deadline.FailAfter(ctx, time.Minute, f) })
		},
	} {
		for _, asked := range []bool{true, false} {
			bubbletest.Run(t, name, func(t *testing.T) {
				outside, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				limited(outside, func(ctx context.Context) error {
					var derived context.Context
					if asked {
						var stop context.CancelFunc
						derived, stop = withTimeout(ctx)
						defer stop()
						<-derived.Done()
						bubbletest.CheckElapsed(t, "wait", start, time.Second)
					} else {
						time.Sleep(time.Second)
						checkDone(t, "ctx", ctx, context.DeadlineExceeded)
						var stop context.CancelFunc
						derived, stop = withTimeout(ctx)
						defer stop()
					}
					checkDone(t, "derived", derived, context.DeadlineExceeded)
					checkDone(t, "ctx", ctx, context.DeadlineExceeded)
					causeOf(t, "derived", derived, cancelscope.ByDeadline)
					if context.Cause(ctx) != context.Cause(derived) || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
						t.Errorf("context.Cause(ctx) = %v, want that of the derived one, %v", context.Cause(ctx), context.Cause(derived))
					}
					return nil
				})
			})
		}
	}
}
