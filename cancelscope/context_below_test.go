package cancelscope_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// layers are what cancellations have to get through.
func layers() []derivation {
	none := func() {}
	return append([]derivation{
		{"nothing", func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, none }},
		{"WithValue", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithValue(ctx, key("layer"), 1), none
		}},
		{"a wrapper", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return struct{ context.Context }{ctx}, none
		}},
		{"a scope", nil},
	}, derivations...)
}

// within runs f in a scope below ctx, with the layer between.
func within(ctx context.Context, between derivation, s *cancelscope.Scope, f func(ctx context.Context)) {
	run := func(ctx context.Context) error {
		return s.Run(ctx, func(ctx context.Context) error {
			f(ctx)
			return nil
		})
	}
	if between.of == nil {
		new(cancelscope.Scope).Run(ctx, run)
		return
	}
	ctx, cancel := between.of(ctx)
	defer cancel()
	run(ctx)
}

func TestCancelReachesEveryScopeBelow(t *testing.T) {
	looks := map[string]func(ctx context.Context){
		"nothing was asked before": func(context.Context) {},
		"Err was asked before":     func(ctx context.Context) { _ = ctx.Err() },
		"Done was asked before": func(ctx context.Context) {
			ctx.Done()
		},
	}
	for look, before := range looks {
		for _, between := range layers() {
			t.Run(look+", between: "+between.name, func(t *testing.T) {
				var outer, inner, leaf cancelscope.Scope
				outer.Run(t.Context(), func(ctx context.Context) error {
					before(ctx)
					within(ctx, between, &inner, func(middle context.Context) {
						before(middle)
						leaf.Run(middle, func(deepest context.Context) error {
							before(deepest)
							outer.Cancel(errBoom)
							for name, ctx := range map[string]context.Context{"outer": ctx, "inner": middle, "leaf": deepest} {
								if err := ctx.Err(); err != context.Canceled {
									t.Errorf("%s: Err() after Cancel = %v, want %v", name, err, context.Canceled)
								}
								checkDone(t, name, ctx, context.Canceled)
								bubbletest.CheckError(t, name+": context.Cause", context.Cause(ctx), outer.Cause())
							}
							return nil
						})
					})
					return nil
				})
				bubbletest.CheckScope(t, "inner", &inner, false, false)
			})
		}
	}

	t.Run("Done channels of before", func(t *testing.T) {
		for _, between := range layers() {
			synctest.Test(t, func(t *testing.T) {
				var outer, inner, leaf cancelscope.Scope
				outer.Run(t.Context(), func(ctx context.Context) error {
					within(ctx, between, &inner, func(ctx context.Context) {
						leaf.Run(ctx, func(ctx context.Context) error {
							done := ctx.Done()
							outer.Cancel(nil)
							synctest.Wait() // standard contexts between have canceled the scope below
							if !bubbletest.IsClosed(done) {
								t.Errorf("between: %s: the Done channel of before is open, want it closed", between.name)
							}
							return nil
						})
					})
					return nil
				})
			})
		}
	})

	t.Run("Done channels of before, at once", func(t *testing.T) {
		for _, between := range layers()[:4] {
			var outer, inner cancelscope.Scope
			outer.Run(t.Context(), func(ctx context.Context) error {
				within(ctx, between, &inner, func(ctx context.Context) {
					done := ctx.Done()
					outer.Cancel(nil)
					if !bubbletest.IsClosed(done) {
						t.Errorf("between: %s: the Done channel of before is open after Cancel, want it closed", between.name)
					}
				})
				return nil
			})
		}
	})

	t.Run("many siblings, not those under a shield", func(t *testing.T) {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			const n = 50
			entered, finish, ended := make(chan context.Context), make(chan struct{}), make(chan struct{})
			for i := range n {
				go func() {
					var s cancelscope.Scope
					s.SetShield(i%2 == 1)
					s.Run(ctx, func(ctx context.Context) error {
						entered <- context.WithValue(ctx, key("i"), i)
						<-finish
						return nil
					})
					ended <- struct{}{}
				}()
			}
			var all [n]context.Context
			for range n {
				ctx := <-entered
				all[ctx.Value(key("i")).(int)] = ctx
			}
			outer.Cancel(nil)
			for i, ctx := range all {
				if got, want := ctx.Err() != nil, i%2 == 0; got != want {
					t.Errorf("sibling %d of %d: canceled: %v, want %v", i, n, got, want)
				}
			}
			close(finish)
			for range n {
				<-ended
			}
			return nil
		})
	})
}

func TestDeadlineReachesEveryScopeBelow(t *testing.T) {
	for _, between := range layers() {
		bubbletest.Run(t, "between: "+between.name, func(t *testing.T) {
			var outer, inner, leaf cancelscope.Scope
			outer.SetTimeout(time.Minute)
			start := time.Now()
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				within(ctx, between, &inner, func(ctx context.Context) {
					leaf.Run(ctx, func(ctx context.Context) error {
						err := deadline.Sleep(ctx, time.Hour)
						bubbletest.CheckElapsed(t, "Sleep", start, time.Minute)
						bubbletest.CheckCanceled(t, "Sleep", err, cancelscope.ByDeadline)
						checkDone(t, "leaf", ctx, context.DeadlineExceeded)
						return err
					})
				})
				return ctx.Err()
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "leaf", &leaf, false, false)
			bubbletest.CheckScope(t, "outer", &outer, true, true)
		})
	}
}
