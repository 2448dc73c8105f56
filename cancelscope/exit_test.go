package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// leaving are the ways to end a block that are not a return.
var leaving = map[string]func(){
	"panic":          func() { panic(errBoom) },
	"nil panic":      func() { panic(nil) }, //nolint:govet // like any other
	"runtime.Goexit": runtime.Goexit,
}

// outcome calls f in a goroutine of its own and returns what it panicked with, and
// whether it came back at all.
func outcome(f func()) (panicked any, returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		f()
		returned = true
	}()
	<-done
	return panicked, returned
}

// Item 10 of the contract of scopes.
func TestPanicAndGoexitLeaveTheScope(t *testing.T) {
	for name, leave := range leaving {
		bubbletest.Run(t, name+" with timers and links", func(t *testing.T) {
			var outer, middle, inner cancelscope.Scope
			middle.SetTimeout(time.Hour)
			inner.SetTimeout(time.Minute)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				var inside []context.Context
				panicked, returned := outcome(func() {
					middle.Run(ctx, func(ctx context.Context) error {
						return inner.Run(ctx, func(ctx2 context.Context) error {
							inside = append(inside, ctx, ctx2)
							ctx2.Done()
							if timers, links := cancelscope.Timers(), cancelscope.Children(&outer); timers != 2 || links != 1 {
								t.Errorf("inside: %d timers and %d scopes below outer, want 2 and 1", timers, links)
							}
							leave()
							return nil
						})
					})
				})
				if want := name != "runtime.Goexit"; returned || (panicked != nil) != want {
					t.Errorf("Run returned: %v, panicked with %v; want false, a panic: %v", returned, panicked, want)
				}
				if err, _ := panicked.(error); name == "panic" && err != errBoom {
					t.Errorf("Run panicked with %v, want %v itself", panicked, errBoom)
				}
				if n := cancelscope.Timers(); n != 0 {
					t.Errorf("%d timers after the end, want 0", n)
				}
				for _, s := range []*cancelscope.Scope{&outer, &middle, &inner} {
					if n := cancelscope.Children(s); n != 0 {
						t.Errorf("%d scopes linked below one that they have left, want 0", n)
					}
				}
				for _, ctx := range inside {
					checkDone(t, "a context of an ended scope", ctx, context.Canceled)
					causeOf(t, "a context of an ended scope", ctx, cancelscope.ByExit)
				}
				checkOpen(t, "the outer context", ctx)
				return nil
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "inner", &inner, false, false)
			inner.Cancel(nil) // after Run: records the call and no more
			bubbletest.CheckScope(t, "inner", &inner, true, false)
		})

		t.Run(name+" under a foreign context", func(t *testing.T) {
			outside := newAfterFuncContext(t.Context())
			var s cancelscope.Scope
			_, returned := outcome(func() {
				s.Run(outside, func(ctx context.Context) error {
					ctx.Done()
					if n := outside.registered(); n != 1 {
						t.Errorf("%d functions registered while a goroutine waits, want 1", n)
					}
					leave()
					return nil
				})
			})
			if returned {
				t.Error("Run returned, want the panic or exit of the block to continue")
			}
			if n := outside.registered(); n != 0 {
				t.Errorf("%d functions registered after the end, want 0", n)
			}
		})

		t.Run(name+" while canceled", func(t *testing.T) {
			var outer, s cancelscope.Scope
			s.Cancel(errBang)
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				panicked, returned := outcome(func() {
					s.Run(ctx, func(ctx context.Context) error {
						<-ctx.Done()
						leave()
						return ctx.Err()
					})
				})
				if want := name != "runtime.Goexit"; returned || (panicked != nil) != want {
					t.Errorf("Run returned: %v, panicked with %v; want false, a panic: %v", returned, panicked, want)
				}
				return ctx.Err()
			})
			bubbletest.CheckError(t, "outer.Run", err, nil)
			bubbletest.CheckScope(t, "s", &s, true, false)
			if !errors.Is(s.Cause(), errBang) {
				t.Errorf("Cause() = %v, want the one of before", s.Cause())
			}
		})
	}
}

// Item 10 of the contract of scopes.
func TestReturningLeavesTheScope(t *testing.T) {
	bubbletest.Run(t, "many times in one scope", func(t *testing.T) {
		var outer cancelscope.Scope
		outer.Run(t.Context(), func(ctx context.Context) error {
			for i := range 10 {
				var s cancelscope.Scope
				s.SetTimeout(time.Hour)
				s.Run(ctx, func(ctx context.Context) error {
					ctx.Done()
					if i%2 == 0 {
						s.Cancel(nil)
					}
					return ctx.Err()
				})
				if timers, links := cancelscope.Timers(), cancelscope.Children(&outer); timers != 0 || links != 0 {
					t.Fatalf("after scope %d: %d timers and %d links, want 0 and 0", i, timers, links)
				}
			}
			return nil
		})
	})

	t.Run("in any order", func(t *testing.T) {
		// Siblings hang in a list; take out its first, last and middle ones.
		for first := range 3 {
			var outer cancelscope.Scope
			outer.Run(t.Context(), func(ctx context.Context) error {
				var ends [3]chan struct{}
				var ended [3]chan struct{}
				for i := range ends {
					ends[i], ended[i] = make(chan struct{}), make(chan struct{})
					entered := make(chan struct{})
					go func() {
						defer close(ended[i])
						new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error {
							ctx.Done()
							close(entered)
							<-ends[i]
							return nil
						})
					}()
					<-entered
				}
				for n := range ends {
					if got, want := cancelscope.Children(&outer), 3-n; got != want {
						t.Errorf("%d scopes linked, want %d", got, want)
					}
					i := (first + 2*n) % 3
					close(ends[i])
					<-ended[i]
				}
				if got := cancelscope.Children(&outer); got != 0 {
					t.Errorf("%d scopes linked in the end, want 0", got)
				}
				return nil
			})
		}
	})
}
