package cancelscope_test

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// registered returns how many contexts hang below ctx, which must be one of the standard
// library, made by WithCancel.
func registered(ctx context.Context) int {
	return reflect.ValueOf(ctx).Elem().FieldByName("children").Len()
}

// A scope that has been canceled gives up its place below the context outside at once,
// not when its block ends.
func TestCanceledScopeLeavesTheContextOutside(t *testing.T) {
	for name, c := range map[string]struct {
		s      *cancelscope.Scope
		cancel func(s *cancelscope.Scope)
	}{
		"Cancel":                       {new(cancelscope.Scope), func(s *cancelscope.Scope) { s.Cancel(nil) }},
		"Cancel of an adjustable one":  {&cancelscope.Scope{Adjustable: true}, func(s *cancelscope.Scope) { s.Cancel(nil) }},
		"a timeout":                    {new(cancelscope.Scope), func(s *cancelscope.Scope) { s.SetTimeout(0) }},
		"a timeout of an adjustable":   {&cancelscope.Scope{Adjustable: true}, func(s *cancelscope.Scope) { s.SetTimeout(0) }},
		"a timer":                      {new(cancelscope.Scope), func(s *cancelscope.Scope) { s.SetTimeout(time.Second); <-time.After(time.Minute) }},
		"a timer of an adjustable one": {&cancelscope.Scope{Adjustable: true}, func(s *cancelscope.Scope) { s.SetTimeout(time.Second); <-time.After(time.Minute) }},
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			outside, cancel := context.WithCancel(context.Background())
			defer cancel()
			c.s.Run(outside, func(ctx context.Context) error {
				ctx.Done()
				if n := registered(outside); n != 1 {
					t.Errorf("%d contexts below the one outside, want 1 for a scope whose Done was asked for", n)
				}
				c.cancel(c.s)
				synctest.Wait() // the function given to AfterFunc, if it has been called, has ended
				if n := registered(outside); n != 0 {
					t.Errorf("%d contexts below the one outside when the scope is canceled, want 0", n)
				}
				return nil
			})
		})
	}

	bubbletest.Run(t, "a deadline set before, noticed or not", func(t *testing.T) {
		outside, cancel := context.WithCancel(context.Background())
		defer cancel()
		for _, f := range []func(ctx context.Context) error{
			func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Nanosecond); return nil },
			func(ctx context.Context) error { ctx.Done(); time.Sleep(time.Minute); return ctx.Err() },
		} {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			s.Run(outside, func(ctx context.Context) error {
				_ = f(ctx)
				synctest.Wait() // the library's timer, if it has fired, has been served
				if ctx.Err(); registered(outside) != 0 {
					t.Errorf("%d contexts below the one outside after the deadline, want 0", registered(outside))
				}
				return nil
			})
			_ = deadline.FailAfter(outside, time.Second, func(ctx context.Context) error {
				_ = f(ctx)
				synctest.Wait() // the library's timer, if it has fired, has been served
				if ctx.Err(); registered(outside) != 0 {
					t.Errorf("FailAfter: %d contexts below the one outside after the deadline, want 0", registered(outside))
				}
				return nil
			})
		}
	})

	t.Run("with AfterFunc", func(t *testing.T) {
		outside := newAfterFuncContext(t.Context())
		var s cancelscope.Scope
		s.Run(outside, func(ctx context.Context) error {
			ctx.Done()
			if n := outside.registered(); n != 1 {
				t.Errorf("%d functions registered, want 1", n)
			}
			s.Cancel(nil)
			if n := outside.registered(); n != 0 {
				t.Errorf("%d functions registered when the scope is canceled, want 0", n)
			}
			return nil
		})
	})

	t.Run("the end", func(t *testing.T) {
		outside, cancel := context.WithCancel(context.Background())
		defer cancel()
		for name, shape := range shapes {
			var w witness
			shape(outside, w.see, func(ctx context.Context) error { w.see(ctx); return nil })
			if n := registered(outside); n != 0 {
				t.Errorf("%s: %d contexts below the one outside after the end, want 0", name, n)
			}
			for _, cancel := range w.cancels {
				cancel()
			}
		}
	})
}
