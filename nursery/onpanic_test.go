package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A panic with a nil *PanicError is a panic like any other.
func TestPanicWithANilPanicError(t *testing.T) {
	for _, kind := range kinds {
		bubbletest.Run(t, kind.name, func(t *testing.T) {
			o := outcomeOf(func() error {
				return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					return kind.run(ctx, n, func(context.Context) error { panic((*nursery.PanicError)(nil)) })
				})
			})
			if kind.name == "body" {
				if p, ok := o.panicked.(*nursery.PanicError); !ok || p != nil {
					t.Errorf("Run: %v, want a panic with the body's own value", o.panicked)
				}
				return
			}
			p, ok := o.panicked.(*nursery.PanicError)
			if !ok || p == nil || p.Value != any((*nursery.PanicError)(nil)) || len(p.Stack) == 0 {
				t.Errorf("Run: panic with %v, want a *PanicError of the value", o.panicked)
			}
		})
	}
}

// What OnPanic does changes nothing: siblings are canceled, and Run ends with the first
// panic.
func TestOnPanicThatDoesNotReturn(t *testing.T) {
	for _, callback := range callbacks {
		for _, kind := range kinds {
			for _, supervise := range []bool{false, true} {
				bubbletest.Run(t, fmt.Sprintf("%s, %s, supervise %v", callback.name, kind.name, supervise), func(t *testing.T) {
					calls := 0
					c := nursery.Config{Supervise: supervise, OnPanic: func(*nursery.PanicError) { calls++; callback.do() }}
					o := outcomeOf(func() error {
						return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
							n.GoNamed("sibling", sleeping(forever))
							return kind.run(ctx, n, panicking)
						})
					})
					want := 1
					if kind.name == "Start, before started" {
						want = 2 // Start panics in the body
					}
					if calls != want {
						t.Errorf("OnPanic was called %d times, want %d", calls, want)
					}
					if kind.name == "body" {
						if o.panicked != "bad" {
							t.Errorf("Run: %v, want a panic with the body's value", o)
						}
						return
					}
					if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Value != "bad" {
						t.Errorf("Run: %v, want the panic that came first", o)
					}
				})
			}
		}
	}
}

// The result of a handle is there before OnPanic or OnError is called.
func TestHandleBeforeCallbacks(t *testing.T) {
	for _, callback := range append(callbacks, struct {
		name string
		do   func()
	}{"takes an hour", func() { bubbletest.Linger(time.Hour) }}) {
		bubbletest.Run(t, callback.name, func(t *testing.T) {
			start := time.Now()
			var waited [2]time.Duration
			var errs [2]error
			outcomeOf(func() error {
				c := nursery.Config{
					Supervise: true,
					OnPanic:   func(*nursery.PanicError) { callback.do() },
					OnError:   func(*nursery.TaskError) { callback.do() },
				}
				return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					for i, f := range []func(context.Context) error{with(errBoom), panicking} {
						_, errs[i] = n.Task("", f).Join()
						waited[i] = time.Since(start)
					}
					return nil
				})
			})
			var p *nursery.PanicError
			if errs[0] != errBoom || !errors.As(errs[1], &p) || waited != [2]time.Duration{} {
				t.Errorf("Join = %v after %v, want boom and a *PanicError at once", errs, waited)
			}
		})
	}
}

func TestOnPanic(t *testing.T) {
	for _, policy := range []nursery.PanicPolicy{nursery.PropagatePanics, nursery.ConvertPanics} {
		for _, v := range victims {
			name := v.name + ", propagated"
			if policy == nursery.ConvertPanics {
				name = v.name + ", converted"
			}
			bubbletest.Run(t, name, func(t *testing.T) {
				start := time.Now()
				calls := 0
				var inside context.Context
				config := nursery.Config{Panics: policy, OnPanic: func(p *nursery.PanicError) {
					calls++
					bubbletest.CheckElapsed(t, "the way to OnPanic", start, time.Second)
					if p.Value != "bad" || p.Task != v.name {
						t.Errorf("OnPanic got the panic %v of %s, want bad of %s", p.Value, p.Task, v.name)
					}
					if inside.Err() == nil {
						t.Error("ctx.Err of the nursery during OnPanic = nil, want it canceled: the siblings must not depend on OnPanic")
					}
					if stack := debug.Stack(); !strings.Contains(string(stack), "nursery_test.TestOnPanic.func") || !strings.Contains(string(stack), "panic(") {
						t.Errorf("stack in OnPanic = %s\nwant that of the goroutine that panicked", stack)
					}
				}}
				watched := victim{v.name, func(ctx context.Context, n *nursery.Nursery, f func(context.Context) error) error {
					inside = ctx
					return v.run(ctx, n, f)
				}}
				o := runVictim(t, config, watched, panicking)
				if calls != 1 || o.panicked == nil && o.err == nil {
					t.Errorf("OnPanic was called %d times, Run: %v, want once, and the policy applied", calls, o)
				}
			})
		}
	}

	bubbletest.Run(t, "before started", func(t *testing.T) {
		var got *nursery.PanicError
		config := nursery.Config{Panics: nursery.ConvertPanics, OnPanic: func(p *nursery.PanicError) { got = p }}
		err := config.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", func(context.Context, func(int)) error { panic("bad") })
			if got == nil || err != got {
				t.Errorf("Start = %v, OnPanic got %v, want the same *PanicError", shape(err), got)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})

	bubbletest.Run(t, "is for panics alone", func(t *testing.T) {
		config := nursery.Config{OnPanic: func(p *nursery.PanicError) { t.Errorf("OnPanic called with %v, want no call", p) }}
		for _, f := range []func(context.Context) error{with(nil), with(errBoom), func(context.Context) error { runtime.Goexit(); return nil }} {
			for _, v := range victims {
				outcomeOf(func() error {
					return config.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error { return v.run(ctx, n, f) })
				})
			}
		}
	})
}
