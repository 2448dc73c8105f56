package cancelscope_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/tree"
)

// A liar is a context around one of the standard library, with another Err.
type liar struct {
	context.Context
	err error
}

func (l liar) Err() error { return l.err }

// Where a context says one thing by its Done and another by its Err, a scope inside must
// not hang, and what it says must fit together.
func TestContextsThatContradictThemselves(t *testing.T) {
	for name, err := range map[string]error{
		"not canceled, it says canceled": context.Canceled,
		"not canceled, it says expired":  context.DeadlineExceeded,
		"not canceled, it says anything": errors.New("anything"),
	} {
		for _, asked := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				outside, cancel := context.WithCancel(t.Context())
				defer cancel()
				for _, run := range []func(ctx context.Context, f block){
					inScope,
					func(ctx context.Context, f block) { _ = deadline.FailAfter(ctx, time.Hour, f) },
				} {
					run(liar{outside, err}, func(ctx context.Context) error {
						var derived context.Context
						if asked {
							var stop context.CancelFunc
							derived, stop = context.WithCancel(ctx)
							defer stop()
						}
						checkDone(t, "ctx", ctx, context.Canceled)
						if !asked {
							var stop context.CancelFunc
							derived, stop = context.WithCancel(ctx)
							defer stop()
						}
						checkDone(t, "derived", derived, context.Canceled)
						return ctx.Err()
					})
				}
			})
		}
	}

	t.Run("canceled, it says nothing", func(t *testing.T) {
		outside, cancel := context.WithCancelCause(t.Context())
		var s cancelscope.Scope
		err := s.Run(liar{outside, nil}, func(ctx context.Context) error {
			ctx.Done()
			cancel(errBoom)
			checkDone(t, "ctx", ctx, context.Canceled)
			bubbletest.CheckError(t, "Reason", storyOf(t, "s", &s, cancelscope.ByParent).Reason(), errBoom)
			return ctx.Err()
		})
		_ = err // whose it is cannot be known
	})

	t.Run("canceled without a cause, it says nothing", func(t *testing.T) {
		outside, cancel := context.WithCancel(t.Context())
		var s cancelscope.Scope
		s.Run(liar{outside, nil}, func(ctx context.Context) error {
			ctx.Done()
			cancel()
			checkDone(t, "ctx", ctx, context.Canceled)
			bubbletest.CheckError(t, "Reason", storyOf(t, "s", &s, cancelscope.ByParent).Reason(), nil)
			return nil
		})
	})
}

// A hasty context claims a deadline that it does not keep.
type hasty struct{ context.Context }

func (hasty) Deadline() (time.Time, bool) { return time.Now().Add(time.Millisecond), true }

// The library installs no timer below an earlier deadline, and a scope does not rely on
// what contexts say of theirs.
func TestDeadlineBelowAContextThatDoesNotKeepItsOwn(t *testing.T) {
	for name, run := range map[string]func(ctx context.Context, f block){
		"FailAfter": func(ctx context.Context, f block) { _ = deadline.FailAfter(ctx, time.Second, f) },
		"a scope": func(ctx context.Context, f block) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, f)
		},
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			outside, cancel := context.WithCancel(hasty{t.Context()})
			defer cancel()
			start := time.Now()
			run(outside, func(ctx context.Context) error {
				bubbletest.CheckError(t, "wait", untilDone(ctx), context.DeadlineExceeded)
				bubbletest.CheckElapsed(t, "wait", start, time.Second)
				return nil
			})
		})
	}
}

// The cancellation of a scope around, which has no bridge, is the cause below a limit that
// no code can cancel.
func TestCancelReachesWhatIsBelowALimit(t *testing.T) {
	for depth := range 4 {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			var nest func(ctx context.Context, n int) error
			nest = func(ctx context.Context, n int) error {
				return deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
					if n > 0 {
						return nest(ctx, n-1)
					}
					derived, stop := withTimeout(ctx)
					defer stop()
					outer.Cancel(errBoom)
					for name, ctx := range map[string]context.Context{"ctx": ctx, "derived": derived} {
						checkDone(t, name, ctx, context.Canceled)
						bubbletest.CheckError(t, "context.Cause("+name+")", context.Cause(ctx), outer.Cause())
					}
					return nil
				})
			}
			return nest(ctx, depth)
		})
	}
}

// The cause of a context outside may be a Canceled of any scope. It does not become the
// cause of this one.
func TestForeignCauseOfAnotherScopeWhereDoneWasAskedFor(t *testing.T) {
	var other cancelscope.Scope
	other.Cancel(nil)
	other.Run(t.Context(), func(context.Context) error { return nil })
	stray := other.Cause()
	for _, shape := range []func(ctx context.Context, f block){
		inScope,
		func(ctx context.Context, f block) {
			inScope(ctx, func(ctx context.Context) error { inScope(ctx, f); return nil })
		},
		func(ctx context.Context, f block) { _ = deadline.FailAfter(ctx, time.Hour, f) },
	} {
		outside, cancel := context.WithCancelCause(t.Context())
		shape(outside, func(ctx context.Context) error {
			ctx.Done()
			cancel(stray)
			bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), stray)
			if !cancelscope.IsCancellation(ctx, stray) {
				t.Errorf("IsCancellation(ctx, context.Cause(ctx)) = false, want true")
			}
			return nil
		})
	}
	outside, cancel := context.WithCancelCause(t.Context())
	var s cancelscope.Scope
	s.Run(outside, func(ctx context.Context) error {
		ctx.Done()
		cancel(stray)
		if got := storyOf(t, "s", &s, cancelscope.ByParent).Reason(); got == nil || got.Error() != stray.Error() {
			t.Errorf("Reason = %v, want the text of %v", got, stray)
		}
		return nil
	})
}

func TestDeadlinesOfTheWallClockFarAway(t *testing.T) {
	t.Run("outside of bubbles", testDeadlinesFarAway)
	bubbletest.Run(t, "in a bubble, whose clock is set back", testDeadlinesFarAway)
}

func testDeadlinesFarAway(t *testing.T) {
	var past, future cancelscope.Scope
	past.SetDeadline(time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC))
	future.SetDeadline(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	past.Run(t.Context(), func(ctx context.Context) error {
		checkDone(t, "ctx, with a deadline two thousand years ago", ctx, context.DeadlineExceeded)
		return nil
	})
	future.Run(t.Context(), func(ctx context.Context) error {
		checkOpen(t, "ctx, with a deadline in eight thousand years", ctx)
		return nil
	})
	// Below Done there is a timer of the library's, which must be for the same instant.
	for _, at := range []time.Time{time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Now().Add(math.MinInt64), time.Unix(0, 0)} {
		if _, err := deadline.MoveOnAt(t.Context(), at, untilDone); err != nil {
			t.Errorf("MoveOnAt(…, %v, wait for Done) = %v, want nil", at, err)
		}
		for _, adjustable := range []bool{false, true} {
			s := cancelscope.Scope{Adjustable: adjustable}
			s.SetDeadline(at)
			s.Run(t.Context(), func(ctx context.Context) error {
				bubbletest.CheckError(t, "wait for Done of a deadline in "+at.String(), untilDone(ctx), context.DeadlineExceeded)
				return nil
			})
		}
	}
}

// effectiveOf asks the node itself, as package deadline does.
func effectiveOf(ctx context.Context) (time.Time, bool) { return tree.Of(ctx).Effective() }

func TestEffectiveOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		outside, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		check := func(name string, ctx context.Context, want time.Duration) {
			t.Helper()
			if at, canceled := effectiveOf(ctx); canceled || !at.Equal(start.Add(want)) {
				t.Errorf("%s: Effective() = %v, %v, want in %v", name, at, canceled, want)
			}
		}
		var task, around cancelscope.Scope
		task.Run(outside, func(ctx context.Context) error {
			tree.Of(ctx).Movable() // it reports no deadline of those around it
			between, stop := context.WithCancel(ctx)
			defer stop()
			var s cancelscope.Scope
			s.Run(between, func(ctx context.Context) error { check("below a task that may move", ctx, time.Hour); return nil })
			return nil
		})
		around.Run(outside, func(ctx context.Context) error {
			between, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Hour)
			defer stop()
			var s cancelscope.Scope
			s.Run(between, func(ctx context.Context) error {
				around.Cancel(nil)
				check("beyond WithoutCancel of a canceled one", ctx, 2*time.Hour)
				s.Cancel(nil)
				if at, canceled := effectiveOf(ctx); !canceled || !at.IsZero() {
					t.Errorf("canceled: Effective() = %v, %v, want the zero time, true", at, canceled)
				}
				return nil
			})
			return nil
		})
		var expired cancelscope.Scope
		expired.SetTimeout(time.Second)
		expired.Run(outside, func(ctx context.Context) error {
			between, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Hour)
			defer stop()
			var s cancelscope.Scope
			return s.Run(between, func(ctx context.Context) error {
				time.Sleep(time.Minute)
				check("beyond WithoutCancel of an expired one", ctx, 2*time.Hour)
				return nil
			})
		})
		doomed, stop := context.WithCancel(outside)
		var beyond cancelscope.Scope
		beyond.Run(doomed, func(ctx context.Context) error {
			between, end := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Hour)
			defer end()
			stop()
			var s cancelscope.Scope
			return s.Run(between, func(ctx context.Context) error {
				check("beyond WithoutCancel of one whose parent is done", ctx, 2*time.Hour+time.Minute)
				return nil
			})
		})
	})
}

func TestMoveIntoItself(t *testing.T) {
	var s, inner cancelscope.Scope
	s.Run(t.Context(), func(outer context.Context) error {
		return inner.Run(outer, func(ctx context.Context) error {
			bubbletest.CheckPanics(t, "Move", "cancelscope: move of a scope into itself: ", func() { tree.Of(outer).Move(tree.Of(ctx)) })
			return nil
		})
	})
}

// The parent of a relayed bridge is a context, although the library does not ask it for
// everything.
func TestRelayParent(t *testing.T) {
	s := cancelscope.Scope{Adjustable: true}
	s.SetTimeout(time.Hour)
	s.Run(t.Context(), func(ctx context.Context) error {
		ctx.Done()
		parent := cancelscope.RelayParent(&s)
		if at, ok := parent.Deadline(); ok || parent.Err() != nil {
			t.Errorf("Deadline() = %v, %v, Err() = %v, want none, nil", at, ok, parent.Err())
		}
		return nil
	})
	if cancelscope.NeverStopped() {
		t.Error("what AfterFunc of the parent returns reports that it stopped the function, want that it did not")
	}
}
