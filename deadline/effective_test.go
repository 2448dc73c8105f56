package deadline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// run runs f in s, and wants Run to return nil.
func run(t *testing.T, s *cancelscope.Scope, ctx context.Context, f func(ctx context.Context)) {
	t.Helper()
	err := s.Run(ctx, func(ctx context.Context) error {
		f(ctx)
		return nil
	})
	bubbletest.CheckError(t, "Run", err, nil)
}

// seconds returns a function for times after now.
func seconds() func(n int) time.Time {
	start := time.Now()
	return func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
}

func TestEffectiveStandardContexts(t *testing.T) {
	bubbletest.Run(t, "without scopes", func(t *testing.T) {
		at := seconds()
		ctx, cancel := context.WithDeadline(context.Background(), at(5))
		defer cancel()
		wantEffective(t, "WithDeadline", ctx, at(5))
		inner, cancelInner := context.WithDeadline(ctx, at(9))
		wantEffective(t, "WithDeadline, later", inner, at(5))
		wantEffective(t, "WithoutCancel", context.WithoutCancel(inner), time.Time{})
		cancelInner()
		wantDone(t, "canceled", inner)
		wantEffective(t, "around it", ctx, at(5))
		time.Sleep(5 * time.Second)
		synctest.Wait() // its timer has been served: it does not compare clocks itself
		wantDone(t, "at the deadline", ctx)
	})

	bubbletest.Run(t, "around a scope", func(t *testing.T) {
		at := seconds()
		outer, cancel := context.WithDeadline(context.Background(), at(5))
		defer cancel()
		for _, adjustable := range []bool{false, true} {
			later, earlier := cancelscope.Scope{Adjustable: adjustable}, cancelscope.Scope{Adjustable: adjustable}
			later.SetDeadline(at(9))
			run(t, &later, outer, func(ctx context.Context) {
				wantEffective(t, "later scope", ctx, at(5))
				if adjustable {
					later.SetShield(true)
					wantEffective(t, "later scope, shielded", ctx, at(9))
				}
			})
			earlier.SetDeadline(at(2))
			run(t, &earlier, outer, func(ctx context.Context) { wantEffective(t, "earlier scope", ctx, at(2)) })
		}
	})

	bubbletest.Run(t, "in a scope", func(t *testing.T) {
		at := seconds()
		for _, adjustable := range []bool{false, true} {
			s := cancelscope.Scope{Adjustable: adjustable}
			s.SetDeadline(at(5))
			run(t, &s, context.Background(), func(ctx context.Context) {
				earlier, cancel := context.WithDeadline(ctx, at(2))
				defer cancel()
				wantEffective(t, "earlier context", earlier, at(2))
				later, cancel := context.WithDeadline(ctx, at(9))
				defer cancel()
				wantEffective(t, "later context", later, at(5))
				value := context.WithValue(ctx, new(int), 0)
				wantEffective(t, "a value", value, at(5))
				canceled, cancel := context.WithCancel(ctx)
				wantEffective(t, "WithCancel", canceled, at(5))
				cancel()
				wantDone(t, "WithCancel, canceled", canceled)
				wantEffective(t, "the scope", ctx, at(5))

				s.SetDeadline(at(1))
				for name, ctx := range map[string]context.Context{"earlier": earlier, "later": later, "value": value} {
					wantEffective(t, name+" context when the scope's deadline has moved", ctx, at(1))
				}
				s.Cancel(nil)
				for name, ctx := range map[string]context.Context{"earlier": earlier, "later": later, "value": value} {
					wantDone(t, name+" context when the scope is canceled", ctx)
				}
			})
		}
	})

	bubbletest.Run(t, "between two scopes", func(t *testing.T) {
		at := seconds()
		outer := cancelscope.Scope{Adjustable: true}
		outer.SetDeadline(at(9))
		run(t, &outer, context.Background(), func(ctx context.Context) {
			between, cancel := context.WithDeadline(ctx, at(5))
			defer cancel()
			inner := cancelscope.Scope{Adjustable: true}
			inner.SetDeadline(at(20))
			run(t, &inner, between, func(ctx context.Context) {
				wantEffective(t, "inside", ctx, at(5))
				outer.SetDeadline(at(3))
				wantEffective(t, "inside, the outer deadline moved forward", ctx, at(3))
				outer.SetDeadline(at(30))
				wantEffective(t, "inside, the outer deadline moved back", ctx, at(5))
				inner.SetShield(true)
				wantEffective(t, "inside, shielded", ctx, at(20))
				cancel()
				wantEffective(t, "inside, shielded, the one between canceled", ctx, at(20))
				wantDone(t, "between, canceled", between)
				inner.SetShield(false)
				wantDone(t, "inside, the one between canceled", ctx)
			})
			wantEffective(t, "in the outer one", ctx, at(30))
		})
	})
}

// Effective includes deadlines that the Deadline method of a scope's context leaves out.
func TestEffectiveAdjustable(t *testing.T) {
	bubbletest.Run(t, "one scope", func(t *testing.T) {
		at := seconds()
		s := cancelscope.Scope{Adjustable: true}
		s.SetDeadline(at(5))
		run(t, &s, context.Background(), func(ctx context.Context) {
			if got, ok := ctx.Deadline(); ok {
				t.Errorf("ctx.Deadline() = %v, true, want none", got)
			}
			wantEffective(t, "inside", ctx, at(5))
			s.SetDeadline(at(9))
			wantEffective(t, "inside, moved back", ctx, at(9))
			s.SetDeadline(time.Time{})
			wantEffective(t, "inside, lifted", ctx, time.Time{})
		})
	})

	bubbletest.Run(t, "with a plain scope inside, and around", func(t *testing.T) {
		at := seconds()
		var outer, inner cancelscope.Scope
		middle := cancelscope.Scope{Adjustable: true}
		outer.SetDeadline(at(20))
		middle.SetDeadline(at(5))
		inner.SetDeadline(at(9))
		run(t, &outer, context.Background(), func(ctx context.Context) {
			run(t, &middle, ctx, func(ctx context.Context) {
				if got, ok := ctx.Deadline(); !ok || !got.Equal(at(20)) {
					t.Errorf("middle: ctx.Deadline() = %v, %t, want %v", got, ok, at(20))
				}
				run(t, &inner, ctx, func(ctx context.Context) {
					if got, ok := ctx.Deadline(); !ok || !got.Equal(at(9)) {
						t.Errorf("inner: ctx.Deadline() = %v, %t, want %v", got, ok, at(9))
					}
					wantEffective(t, "inner", ctx, at(5))
					middle.SetDeadline(at(12))
					wantEffective(t, "inner, the middle one moved back", ctx, at(9))
				})
				middle.SetDeadline(at(30))
				wantEffective(t, "middle, moved beyond the outer one", ctx, at(20))
			})
		})
	})
}

func TestEffectiveShields(t *testing.T) {
	bubbletest.Run(t, "hide what is around them", func(t *testing.T) {
		at := seconds()
		var outer, shielded, inner cancelscope.Scope
		outer.SetDeadline(at(1))
		shielded.SetShield(true)
		inner.SetDeadline(at(9))
		run(t, &outer, context.Background(), func(ctx context.Context) {
			run(t, &shielded, ctx, func(ctx context.Context) {
				wantEffective(t, "shielded", ctx, time.Time{})
				run(t, &inner, ctx, func(ctx context.Context) {
					wantEffective(t, "inside the shielded one", ctx, at(9))
					shielded.SetDeadline(at(5))
					wantEffective(t, "inside, the shielded one has a deadline", ctx, at(5))
					time.Sleep(2 * time.Second)
					wantEffective(t, "inside, the outer deadline has passed", ctx, at(5))
					shielded.SetShield(false)
					wantDone(t, "inside, the shield taken off", ctx)
				})
			})
			wantDone(t, "outer", ctx)
		})
	})

	bubbletest.Run(t, "that come too late", func(t *testing.T) {
		outer, inner := cancelscope.Scope{}, cancelscope.Scope{Adjustable: true}
		outer.SetTimeout(time.Second)
		run(t, &outer, context.Background(), func(ctx context.Context) {
			run(t, &inner, ctx, func(ctx context.Context) {
				time.Sleep(time.Second)
				inner.SetShield(true)
				wantDone(t, "inside, shielded after the outer deadline", ctx)
			})
		})
	})
}

func TestEffectiveElsewhere(t *testing.T) {
	bubbletest.Run(t, "after the end", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Hour)
		var kept context.Context
		run(t, &s, context.Background(), func(ctx context.Context) { kept = ctx })
		wantDone(t, "the context of a scope that has ended", kept)
	})

	bubbletest.Run(t, "in a task", func(t *testing.T) {
		at := seconds()
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().SetDeadline(at(5))
			seen := make(chan struct{})
			n.Go(func(ctx context.Context) error {
				defer close(seen)
				wantEffective(t, "task", ctx, at(5))
				return nil
			})
			<-seen
			return nil
		})
		bubbletest.CheckError(t, "nursery.Run", err, nil)
	})

	// So does that of a context of the standard library around the task.
	bubbletest.Run(t, "in a task that is being started under a standard context", func(t *testing.T) {
		at := seconds()
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			limited, cancel := context.WithDeadline(ctx, at(3))
			defer cancel()
			_, err := nursery.Start(limited, n, "", func(ctx context.Context, started func(int)) error {
				wantEffective(t, "before started", ctx, at(3))
				var inner cancelscope.Scope
				run(t, &inner, ctx, func(ctx context.Context) { wantEffective(t, "before started, in a scope", ctx, at(3)) })
				started(1)
				wantEffective(t, "after started", ctx, time.Time{})
				return nil
			})
			return err
		})
		bubbletest.CheckError(t, "nursery.Run", err, nil)
	})

	// The deadline of the caller counts until the task moves, though Deadline leaves
	// it out, and that of the nursery from then on.
	bubbletest.Run(t, "in a task that is being started", func(t *testing.T) {
		at := seconds()
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().SetDeadline(at(9))
			var caller cancelscope.Scope
			caller.SetDeadline(at(5))
			run(t, &caller, ctx, func(ctx context.Context) {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					wantEffective(t, "before started", ctx, at(5))
					if got, ok := ctx.Deadline(); ok {
						t.Errorf("before started: ctx.Deadline() = %v, true, want none", got)
					}
					started(1)
					wantEffective(t, "after started", ctx, at(9))
					if got, ok := ctx.Deadline(); !ok || !got.Equal(at(9)) {
						t.Errorf("after started: ctx.Deadline() = %v, %t, want %v", got, ok, at(9))
					}
					return nil
				})
				bubbletest.CheckError(t, "Start", err, nil)
			})
			return nil
		})
		bubbletest.CheckError(t, "nursery.Run", err, nil)
	})
}

// catalogue: trio/test_run.py::test_current_effective_deadline
func TestEffectiveOfAScopeThatChanges(t *testing.T) {
	bubbletest.Run(t, "the nearest up to a shield", func(t *testing.T) {
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
			bubbletest.CheckError(t, "inner Run", err, nil)
			wantDone(t, "in the outer one again", ctx1)
			return nil
		})
		bubbletest.CheckError(t, "outer Run", err, nil)
		wantEffective(t, "outside again", background, time.Time{})
	})

	bubbletest.Run(t, "a cancellation behind a shield", func(t *testing.T) {
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
		bubbletest.CheckError(t, "Run", err, nil)
	})

	bubbletest.Run(t, "a deadline that has passed", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			wantDone(t, "at the deadline", ctx)
			return nil
		})
		bubbletest.CheckError(t, "Run", err, nil)
	})

	bubbletest.Run(t, "restored on exit", func(t *testing.T) {
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
		bubbletest.CheckError(t, "Run", err, nil)
	})
}
