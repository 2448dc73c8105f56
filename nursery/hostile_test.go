package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// kinds are all kinds of tasks, and the body, as ways to run f in a nursery. Those that
// wait for the task do so in a task of their own, so that the body can continue.
var kinds = []victim{
	{"body", func(ctx context.Context, _ *nursery.Nursery, f func(context.Context) error) error { return f(ctx) }},
	{"Go", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		n.Go(f)
		return nil
	}},
	{"TryGo", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		return n.TryGo("named", f)
	}},
	{"Spawn", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		nursery.Spawn(n, "", func(ctx context.Context) (int, error) { return 0, f(ctx) })
		return nil
	}},
	{"Task", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		n.Task("", f)
		return nil
	}},
	{"Background", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		n.Background("", func(ctx context.Context) error {
			// The nursery's context is what the others look at.
			return f(ctx)
		})
		return nil
	}},
	{"Start, after started", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		_, err := nursery.Start(context.Background(), n, "", func(ctx context.Context, started func(int)) error {
			started(1)
			return f(ctx)
		})
		return err
	}},
	{"StartTask, after started", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		_, _, err := nursery.StartTask(context.Background(), n, "", func(ctx context.Context, started func(int)) (int, error) {
			started(1)
			return 2, f(ctx)
		})
		return err
	}},
	{"StartBackground, after started", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		_, err := nursery.StartBackground(context.Background(), n, "", func(ctx context.Context, started func(int)) error {
			started(1)
			return f(ctx)
		})
		return err
	}},
	{"Start, before started", func(ctx context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error { return f(ctx) })
		return err
	}},
}

// An unwrapper is an error whose Unwrap method is user code.
type unwrapper struct{ unwrap func() error }

func (u *unwrapper) Error() string { return "hostile" }
func (u *unwrapper) Unwrap() error { return u.unwrap() }

// An iser claims by its Is method to be other errors.
type iser struct{ is func() bool }

func (i *iser) Error() string { return "hostile" }
func (i *iser) Is(error) bool { return i.is() }

// A denier has a Cancellation method that is user code.
type denier struct{ f func() bool }

func (d *denier) Error() string      { return "hostile" }
func (d *denier) Cancellation() bool { return d.f() }

// hostileErrors are errors whose methods do not return, and what that is.
var hostileErrors = []struct {
	name   string
	err    func() error
	panics bool // otherwise exits
}{
	{"typed nil", func() error { var e *url.Error; return e }, true},
	{"Unwrap panics", func() error { return &unwrapper{func() error { panic("bad method") }} }, true},
	{"Is panics", func() error { return &iser{func() bool { panic("bad method") }} }, true},
	{"Cancellation panics", func() error { return &denier{func() bool { panic("bad method") }} }, true},
	{"Unwrap exits", func() error { return &unwrapper{func() error { runtime.Goexit(); return nil }} }, false},
	{"Is exits", func() error { return &iser{func() bool { runtime.Goexit(); return false }} }, false},
}

// An error is judged by its methods when the nursery has been canceled. One that does not
// return from them is a panic, or a Goexit, of its task.
func TestErrorMethodsThatDoNotReturn(t *testing.T) {
	for _, hostile := range hostileErrors {
		for _, kind := range kinds {
			for _, policy := range []nursery.PanicPolicy{nursery.PropagatePanics, nursery.ConvertPanics} {
				if kind.name == "Background" || kind.name == "StartBackground, after started" {
					continue // they are judged when they have been canceled: see below
				}
				bubbletest.Run(t, fmt.Sprintf("%s, %s, policy %d", hostile.name, kind.name, policy), func(t *testing.T) {
					var panics []*nursery.PanicError
					c := nursery.Config{Panics: policy, OnPanic: func(p *nursery.PanicError) { panics = append(panics, p) }}
					o := outcomeOf(func() error {
						return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
							n.GoNamed("sibling", sleeping(forever))
							n.Scope().Cancel(nil)
							return kind.run(ctx, n, func(context.Context) error { return hostile.err() })
						})
					})
					checkAbnormal(t, kind.name, policy, o, hostile.panics)
					want := 0
					if hostile.panics {
						want = 1
					}
					if kind.name == "Start, before started" && hostile.panics && policy == nursery.PropagatePanics {
						want = 2 // Start panics in the body
					}
					if got := len(panics); got != want {
						t.Errorf("OnPanic was called %d times, want %d", got, want)
					}
				})
			}
		}
	}
}

// checkAbnormal checks that a nursery ended as the panic or Goexit of one of its tasks,
// or its body, demands.
func checkAbnormal(t *testing.T, kind string, policy nursery.PanicPolicy, o outcome, panicked bool) {
	t.Helper()
	var p *nursery.PanicError
	ok := false
	switch {
	case policy == nursery.ConvertPanics && panicked:
		ok = errors.As(o.err, &p)
	case policy == nursery.ConvertPanics && kind != "body":
		ok = errors.Is(o.err, nursery.ErrGoexit)
	case panicked && kind == "body":
		_, wrapped := o.panicked.(*nursery.PanicError)
		ok = o.panicked != nil && !wrapped
	case panicked:
		_, ok = o.panicked.(*nursery.PanicError)
	default:
		ok = o.exited
	}
	if !ok {
		t.Errorf("%s under policy %d: Run: %v (panicked: %v), want what its policy says of a panic: %v", kind, policy, o, o.panicked, panicked)
	}
}

// Background tasks are judged in the same way, when they have been canceled.
func TestErrorMethodsOfBackgroundTasks(t *testing.T) {
	for _, hostile := range hostileErrors {
		bubbletest.Run(t, hostile.name, func(t *testing.T) {
			o := outcomeOf(func() error {
				return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Background("", func(ctx context.Context) error {
						<-ctx.Done()
						return hostile.err()
					})
					return nil
				})
			})
			checkAbnormal(t, "Background", nursery.PropagatePanics, o, hostile.panics)
		})
	}
}

// An error method that does not return at once keeps the task from ending, and nothing
// else: the others are canceled, and nothing is lost.
func TestErrorMethodThatTakesLong(t *testing.T) {
	for _, kind := range kinds {
		bubbletest.Run(t, kind.name, func(t *testing.T) {
			start := time.Now()
			var siblingEnded time.Duration
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("sibling", func(ctx context.Context) error {
					<-ctx.Done()
					siblingEnded = time.Since(start)
					return errBang
				})
				synctest.Wait() // the sibling waits
				n.Scope().Cancel(nil)
				return kind.run(ctx, n, func(ctx context.Context) error {
					return &unwrapper{func() error { bubbletest.Linger(time.Hour); return errBoom }}
				})
			})
			if siblingEnded != 0 {
				t.Errorf("the sibling ended after %v, want at once", siblingEnded)
			}
			if !errors.Is(err, errBang) || !strings.Contains(err.Error(), "hostile") {
				t.Errorf("Run = %v, want both errors", err)
			}
		})
	}
}

// callbacks are ways in which OnPanic or OnError do not return.
var callbacks = []struct {
	name string
	do   func()
}{
	{"exits", runtime.Goexit},
	{"panics", func() { panic("bad callback") }},
}

// A panic or Goexit in OnError counts as one of the task, and the failure is kept.
func TestOnErrorThatDoesNotReturn(t *testing.T) {
	for _, callback := range callbacks {
		for _, kind := range kinds {
			if kind.name == "Start, before started" {
				continue // its errors are the caller's, and OnError is not called
			}
			for _, policy := range []nursery.PanicPolicy{nursery.PropagatePanics, nursery.ConvertPanics} {
				bubbletest.Run(t, fmt.Sprintf("%s, %s, policy %d", callback.name, kind.name, policy), func(t *testing.T) {
					var panics []*nursery.PanicError
					c := nursery.Config{
						Supervise: true,
						Panics:    policy,
						OnPanic:   func(p *nursery.PanicError) { panics = append(panics, p) },
						OnError:   func(*nursery.TaskError) { callback.do() },
					}
					o := outcomeOf(func() error {
						return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
							n.GoNamed("sibling", sleeping(forever))
							return kind.run(ctx, n, with(errBoom))
						})
					})
					panicked := callback.name == "panics"
					if panicked {
						// The body has ended by an error, not by a panic of its own, so Run
						// panics with a *PanicError.
						checkAbnormal(t, "a task", policy, o, true)
						if len(panics) != 1 || panics[0].Value != "bad callback" {
							t.Errorf("OnPanic was called with %v, want the panic of OnError", panics)
						}
					} else {
						checkAbnormal(t, kind.name, policy, o, false)
					}
					if err, ok := o.panicked.(error); ok && !errors.Is(err, errBoom) || o.err != nil && !errors.Is(o.err, errBoom) {
						t.Errorf("Run: %v, want the failure %v in it", o, errBoom)
					}
				})
			}
		}
	}
}

// The panic of the body leaves Run as it is, with the stack of the panic below, and
// after the tasks have ended.
func TestPanicOfTheBodyKeepsItsValue(t *testing.T) {
	sentinel := errors.New("abort handler")
	bubbletest.Run(t, "value", func(t *testing.T) {
		var mu sync.Mutex
		var failed []string
		ended := false
		c := nursery.Config{OnError: func(e *nursery.TaskError) {
			mu.Lock()
			failed = append(failed, e.Error())
			mu.Unlock()
		}}
		o := outcomeOf(func() error {
			return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("cleaner", func(ctx context.Context) error {
					<-ctx.Done()
					bubbletest.Linger(time.Second)
					ended = true
					return errBang
				})
				n.GoNamed("panics as well", func(ctx context.Context) error {
					<-ctx.Done()
					panic("another")
				})
				panic(sentinel)
			})
		})
		if o.panicked != sentinel || !ended {
			t.Errorf("Run: panic with %v, all tasks have ended: %v; want %v, true", o.panicked, ended, sentinel)
		}
		if !slices.Equal(failed, []string{"cleaner: bang"}) {
			t.Errorf("OnError was called for %q, want the error of the task", failed)
		}
	})
	t.Run("stack", func(t *testing.T) {
		var stack string
		func() {
			defer func() {
				recover()
				buf := make([]byte, 1<<16)
				stack = string(buf[:runtime.Stack(buf, false)])
			}()
			nursery.Run(t.Context(), func(ctx context.Context, _ *nursery.Nursery) error { return panicking(ctx) })
		}()
		if !strings.Contains(stack, "nursery_test.panicking(") {
			t.Errorf("the stack when the panic of the body leaves Run = %s\nwant the function that panicked in it", stack)
		}
	})
}
