package cancelscope_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A derivation makes a standard context from another one.
type derivation struct {
	name string
	of   func(ctx context.Context) (context.Context, context.CancelFunc)
}

// derivations are the ways to derive a context that can be canceled, each also with
// values around it and through several layers.
var derivations = []derivation{
	{"WithCancel", context.WithCancel},
	{"WithCancelCause", withCancelCause},
	{"WithTimeout", withTimeout},
	{"WithTimeoutCause", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, forever, errBang)
	}},
	{"WithDeadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithDeadline(ctx, time.Now().Add(forever))
	}},
	{"WithCancel of WithValue", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithCancel(context.WithValue(ctx, key("between"), 1))
	}},
	{"WithTimeout of two WithValue", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return withTimeout(context.WithValue(context.WithValue(ctx, key("between"), 1), key("again"), 2))
	}},
	{"WithValue of WithCancel", func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		return context.WithValue(ctx, key("around"), 1), cancel
	}},
	{"five layers", func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel1 := context.WithCancel(context.WithValue(ctx, key("between"), 1))
		ctx, cancel2 := withTimeout(context.WithValue(ctx, key("again"), 2))
		ctx, cancel3 := withCancelCause(ctx)
		return ctx, func() { cancel3(); cancel2(); cancel1() }
	}},
	{"WithCancel of a wrapper", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithCancel(struct{ context.Context }{ctx})
	}},
}

func withCancelCause(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, func() { cancel(nil) }
}

func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, forever)
}

// places are the positions of a scope that its context must not show. Each runs s and
// calls f with its context.
var places = []struct {
	name string
	run  func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error
}{
	{"under context.Background", func(_ context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		return s.Run(context.Background(), f)
	}},
	{"under a standard context", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return s.Run(ctx, f)
	}},
	{"in a scope", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		return new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error { return s.Run(ctx, f) })
	}},
	{"in a scope, with values between", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		return new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error {
			return s.Run(context.WithValue(ctx, key("outside"), 1), f)
		})
	}},
	{"in a scope, with a timeout between", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		return new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error {
			ctx, cancel := withTimeout(ctx)
			defer cancel()
			return s.Run(ctx, f)
		})
	}},
	{"around a scope", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		return s.Run(ctx, func(ctx context.Context) error { return new(cancelscope.Scope).Run(ctx, f) })
	}},
	{"with a shield", func(ctx context.Context, s *cancelscope.Scope, f func(ctx context.Context) error) error {
		s.SetShield(true)
		return s.Run(ctx, f)
	}},
}

func TestDerivedContextsCostNoGoroutine(t *testing.T) {
	awaitNoWatchers(t)
	for _, place := range places {
		t.Run("scope "+place.name, func(t *testing.T) {
			var s cancelscope.Scope
			place.run(t.Context(), &s, func(ctx context.Context) error {
				before := watchers()
				for _, d := range derivations {
					derived, cancel := d.of(ctx)
					defer cancel()
					stop := context.AfterFunc(derived, func() {})
					defer stop()
					if n := watchers() - before; n != 0 {
						t.Errorf("%s costs %d goroutines, want 0", d.name, n)
						before += n
					}
				}
				for name, ctx := range map[string]context.Context{
					"AfterFunc":              ctx,
					"AfterFunc of WithValue": context.WithValue(ctx, key("between"), 1),
				} {
					stop := context.AfterFunc(ctx, func() {})
					defer stop()
					if n := watchers() - before; n != 0 {
						t.Errorf("%s costs %d goroutines, want 0", name, n)
						before += n
					}
				}
				return nil
			})
		})
	}

	bubbletest.Run(t, "what is counted", func(t *testing.T) {
		_, cancel := context.WithCancel(newForeignContext(t.Context()))
		defer cancel()
		if n := watchers(); n != 1 {
			t.Errorf("WithCancel of a foreign context costs %d goroutines, want 1: the count is wrong", n)
		}
	})
}

func TestDerivedContextsErrAndCause(t *testing.T) {
	cancellations := []struct {
		name   string
		cancel func(s *cancelscope.Scope)
		err    error // what is set while the scope runs can only end it with context.Canceled
		kind   cancelscope.Kind
	}{
		{"Cancel", func(s *cancelscope.Scope) { s.Cancel(errBoom) }, context.Canceled, cancelscope.ByCall},
		{"a deadline in the past", func(s *cancelscope.Scope) { s.SetTimeout(0) }, context.Canceled, cancelscope.ByDeadline},
		{"a deadline that passes", func(s *cancelscope.Scope) {
			s.SetTimeout(time.Second)
			<-time.After(time.Minute)
		}, context.Canceled, cancelscope.ByDeadline},
	}
	for _, place := range places {
		for _, c := range cancellations {
			bubbletest.Run(t, c.name+" of a scope "+place.name, func(t *testing.T) {
				var s cancelscope.Scope
				place.run(t.Context(), &s, func(ctx context.Context) error {
					all := make(map[string]context.Context)
					var called atomic.Int32
					for _, d := range derivations {
						derived, cancel := d.of(ctx)
						defer cancel()
						context.AfterFunc(derived, func() { called.Add(1) })
						all[d.name] = derived
					}
					context.AfterFunc(ctx, func() { called.Add(1) })
					c.cancel(&s)
					for name, derived := range all {
						checkDone(t, name, derived, c.err)
						causeOf(t, name, derived, c.kind)
						bubbletest.CheckError(t, "context.Cause of "+name, context.Cause(derived), s.Cause())
					}
					later, cancel := withTimeout(context.WithValue(ctx, key("later"), 1))
					defer cancel()
					checkDone(t, "a context derived later", later, c.err)
					bubbletest.CheckError(t, "context.Cause of a context derived later", context.Cause(later), s.Cause())
					synctest.Wait() // the functions given to AfterFunc have run
					if got, want := int(called.Load()), len(derivations)+1; got != want {
						t.Errorf("%d functions given to AfterFunc were called, want %d", got, want)
					}
					return nil
				})
			})
		}
	}
}

func TestDerivedContextsAreCanceledWithTheParent(t *testing.T) {
	for _, d := range derivations {
		bubbletest.Run(t, d.name, func(t *testing.T) {
			outside, cancel := context.WithCancelCause(t.Context())
			var s cancelscope.Scope
			s.Run(outside, func(ctx context.Context) error {
				derived, stop := d.of(ctx)
				defer stop()
				checkOpen(t, "derived", derived)
				cancel(errBoom)
				checkDone(t, "derived", derived, context.Canceled)
				bubbletest.CheckError(t, "context.Cause(derived)", context.Cause(derived), errBoom)
				bubbletest.CheckError(t, "context.Cause(ctx)", context.Cause(ctx), errBoom)
				c := storyOf(t, "s", &s, cancelscope.ByParent)
				bubbletest.CheckError(t, "Reason", c.Reason(), errBoom)
				return nil
			})
		})
	}
}

func TestDerivedContextsKeepTheirOwnEnd(t *testing.T) {
	bubbletest.Run(t, "cancel function", func(t *testing.T) {
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			derived, cancel := context.WithCancelCause(ctx)
			cancel(errBoom)
			checkDone(t, "derived", derived, context.Canceled)
			bubbletest.CheckError(t, "context.Cause", context.Cause(derived), errBoom)
			checkOpen(t, "ctx", ctx)
			s.Cancel(nil)
			bubbletest.CheckError(t, "context.Cause after Cancel of the scope", context.Cause(derived), errBoom)
			return nil
		})
	})
	for _, test := range []struct {
		name       string
		own, scope time.Duration
	}{
		{"deadline before that of the scope", time.Minute, time.Hour},
		{"deadline after that of the scope", time.Hour, time.Minute},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(test.scope)
			s.Run(t.Context(), func(ctx context.Context) error {
				start := time.Now()
				derived, cancel := context.WithTimeoutCause(ctx, test.own, errBoom)
				defer cancel()
				bubbletest.CheckError(t, "wait", untilDone(derived), context.DeadlineExceeded)
				bubbletest.CheckElapsed(t, "wait", start, time.Minute)
				want := errBoom
				if test.own < test.scope {
					checkOpen(t, "ctx", ctx)
				} else {
					want = s.Cause()
				}
				bubbletest.CheckError(t, "context.Cause", context.Cause(derived), want)
				return nil
			})
		})
	}
}
