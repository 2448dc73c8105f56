package nursery_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A victim is the body or a task of a nursery, however it was started. It calls f a
// second after it began.
type victim struct {
	name string // of the task, as errors have it
	run  func(ctx context.Context, n *nursery.Nursery, f func(ctx context.Context) error) error
}

// victims are all that end with the nursery. A task that has not called started ends
// with Start.
var victims = []victim{
	{"body", func(ctx context.Context, _ *nursery.Nursery, f func(context.Context) error) error {
		return afterASecond(ctx, f)
	}},
	{"gone", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		n.GoNamed("gone", func(ctx context.Context) error { return afterASecond(ctx, f) })
		return nil
	}},
	{"spawned", func(_ context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		nursery.Spawn(n, "spawned", func(ctx context.Context) (int, error) { return 0, afterASecond(ctx, f) })
		return nil
	}},
	{"started", func(ctx context.Context, n *nursery.Nursery, f func(context.Context) error) error {
		_, err := nursery.Start(ctx, n, "started", func(ctx context.Context, started func(int)) error {
			started(0)
			return afterASecond(ctx, f)
		})
		return err
	}},
}

func afterASecond(ctx context.Context, f func(context.Context) error) error {
	if err := deadline.Sleep(ctx, time.Second); err != nil {
		return err
	}
	return f(ctx)
}

// runVictim runs a nursery with v and a sibling that needs a second for its clean-up,
// and checks that this is waited for, and was caused by the end of v.
func runVictim(t *testing.T, c nursery.Config, v victim, f func(context.Context) error) outcome {
	t.Helper()
	start := time.Now()
	var canceledAt, endedAt time.Duration
	var cause error
	o := outcomeOf(func() error {
		return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("sibling", func(ctx context.Context) error {
				<-ctx.Done()
				canceledAt, cause = time.Since(start), context.Cause(ctx)
				time.Sleep(time.Second)
				endedAt = time.Since(start)
				return nil
			})
			return v.run(ctx, n, f)
		})
	})
	bubbletest.CheckElapsed(t, "Run", start, 2*time.Second)
	if canceledAt != time.Second || endedAt != 2*time.Second {
		t.Errorf("the sibling was canceled after %v and ended after %v, want 1s, 2s", canceledAt, endedAt)
	}
	var task *nursery.TaskError
	if c := bubbletest.CheckCanceled(t, "Cause in the sibling", cause, cancelscope.ByTask); !errors.As(c.Reason(), &task) || task.Task != v.name {
		t.Errorf("Reason of the sibling's cancellation = %s, want an error of %s", shape(c.Reason()), v.name)
	}
	return o
}

func TestPanicIsPropagated(t *testing.T) {
	for _, v := range victims {
		bubbletest.Run(t, v.name, func(t *testing.T) {
			o := runVictim(t, nursery.Config{}, v, panicking)
			if v.name == "body" {
				if o.panicked != "bad" {
					t.Errorf("Run: %v, want a panic with the body's own value", o)
				}
				return
			}
			p, ok := o.panicked.(*nursery.PanicError)
			if !ok || p.Value != "bad" || p.Task != v.name {
				t.Fatalf("Run: %v, want a panic with the *PanicError of %s", o, v.name)
			}
			if !strings.Contains(p.Error(), "nursery_test.panicking(") || !strings.Contains(p.Error(), v.name) {
				t.Errorf("text of the panic = %v\nwant the stack and the name of the task that panicked", p)
			}
			if len(p.Unwrap()) != 0 {
				t.Errorf("Unwrap of a panic that came alone = %v, want nothing", p.Unwrap())
			}
		})
	}

	bubbletest.Run(t, "whatever its value is", func(t *testing.T) {
		run := func(f func()) *nursery.PanicError {
			o := outcomeOf(func() error {
				return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { f(); return nil })
					return nil
				})
			})
			p, ok := o.panicked.(*nursery.PanicError)
			if !ok {
				t.Fatalf("Run with a task that panics: %v, want a panic with its *PanicError", o)
			}
			return p
		}
		if p := run(func() { panic(errBoom) }); !errors.Is(p, errBoom) {
			t.Errorf("errors.Is(%v, %v) = false, want the value of the panic found", p, errBoom)
		}
		var bounds runtime.Error
		if p := run(func() { _ = make([]int, 0)[len(t.Name())] }); !errors.As(p, &bounds) {
			t.Errorf("errors.As in the panic of the runtime %v gives no runtime.Error", p.Value)
		}
		var null *runtime.PanicNilError
		if p := run(func() { panic(nil) }); !errors.As(p, &null) {
			t.Errorf("panic(nil) gives the value %v, want a *runtime.PanicNilError", p.Value)
		}
	})

	bubbletest.Run(t, "with the other errors and panics", func(t *testing.T) {
		var s cancelscope.Scope
		o := outcomeOf(func() error {
			return s.Run(t.Context(), func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("first", func(ctx context.Context) error { return afterASecond(ctx, panicking) })
					n.GoNamed("second", func(ctx context.Context) error {
						<-ctx.Done()
						panic(io.ErrUnexpectedEOF)
					})
					n.GoNamed("third", stubborn(errBoom))
					<-ctx.Done()
					s.Cancel(errBang)
					return context.Cause(ctx)
				})
			})
		})
		p, ok := o.panicked.(*nursery.PanicError)
		if !ok || p.Task != "first" {
			t.Fatalf("Run with two panics: %v, want a panic with the first one", o)
		}
		others := errors.Join(p.Unwrap()...)
		checkShape(t, "Unwrap of the panic", others, "join(panic(unexpected EOF) third=boom canceled)")
		for _, want := range []error{io.ErrUnexpectedEOF, errBoom, context.Canceled} {
			if !errors.Is(p, want) {
				t.Errorf("errors.Is(panic, %v) = false, want true", want)
			}
		}
		if s.CanceledCaught() {
			t.Error("CanceledCaught of the scope that the panic went through = true, want false")
		}
	})

	bubbletest.Run(t, "through nested nurseries as one", func(t *testing.T) {
		var seen []*nursery.PanicError
		config := nursery.Config{OnPanic: func(p *nursery.PanicError) { seen = append(seen, p) }}
		o := outcomeOf(func() error {
			return config.Run(t.Context(), func(_ context.Context, outer *nursery.Nursery) error {
				outer.GoNamed("middle", func(ctx context.Context) error {
					return config.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						n.GoNamed("inner", func(ctx context.Context) error { return afterASecond(ctx, panicking) })
						n.GoNamed("a", stubborn(errBang))
						return nil
					})
				})
				outer.GoNamed("b", stubborn(errBoom))
				return nil
			})
		})
		p, ok := o.panicked.(*nursery.PanicError)
		if !ok || p.Value != "bad" || p.Task != "inner" || !strings.Contains(string(p.Stack), "nursery_test.panicking(") {
			t.Fatalf("Run around a Run with a task that panics: %v, want a panic with the *PanicError of the inner task", o)
		}
		checkShape(t, "Unwrap of the panic", errors.Join(p.Unwrap()...), "join(a=bang b=boom)")
		if len(seen) != 2 || len(seen[0].Unwrap()) != 0 || len(seen[1].Unwrap()) != 1 {
			t.Errorf("OnPanic got %d panics, want one of each nursery, which later errors do not change", len(seen))
		}
	})
}

func TestPanicIsConverted(t *testing.T) {
	convert := nursery.Config{Panics: nursery.ConvertPanics}
	for _, v := range victims {
		bubbletest.Run(t, v.name, func(t *testing.T) {
			o := runVictim(t, convert, v, panicking)
			if got, want := o.String(), "["+v.name+"=panic(bad)]"; got != want {
				t.Errorf("Run: %s, want %s", got, want)
			}
			var p *nursery.PanicError
			if !errors.As(o.err, &p) || p.Task != v.name || !strings.Contains(o.err.Error(), "nursery_test.panicking(") {
				t.Errorf("error of Run = %v\nwant one with the *PanicError and its stack", o.err)
			}
		})
	}

	bubbletest.Run(t, "also in a nested nursery that propagates it", func(t *testing.T) {
		err := convert.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("outer", func(ctx context.Context) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.GoNamed("inner", panicking)
					n.GoNamed("sibling", stubborn(errBoom))
					return nil
				})
			})
			return nil
		})
		checkShape(t, "Run", err, "[outer=panic(bad)]")
		if !errors.Is(err, errBoom) {
			t.Errorf("errors.Is(%v, %v) = false, want the error beside the panic found", err, errBoom)
		}
	})

	bubbletest.Run(t, "and is no cancellation, though its value may be one", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			return convert.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("task", func(ctx context.Context) error {
					s.Cancel(nil)
					panic(context.Cause(ctx))
				})
				return nil
			})
		})
		if got := shape(err); !strings.HasPrefix(got, "[task=panic(") || s.CanceledCaught() {
			t.Errorf("canceled scope around a task that panics with its cancellation = %s, CanceledCaught %v, want the panic, false", got, s.CanceledCaught())
		}
	})
}

func TestPanicBeforeStarted(t *testing.T) {
	early := func(ctx context.Context, n *nursery.Nursery) outcome {
		return outcomeOf(func() error {
			_, err := nursery.Start(ctx, n, "server", func(ctx context.Context, _ func(int)) error {
				return afterASecond(ctx, panicking)
			})
			return err
		})
	}
	bubbletest.Run(t, "propagated", func(t *testing.T) {
		var o outcome
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			o = early(ctx, n)
			if ctx.Err() != nil {
				t.Errorf("ctx.Err of the nursery = %v, want nil", ctx.Err())
			}
		})
		if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Value != "bad" || p.Task != "server" {
			t.Errorf("Start of a task that panics: %v, want a panic with its *PanicError", o)
		}
	})
	bubbletest.Run(t, "converted", func(t *testing.T) {
		var o outcome
		err := nursery.Config{Panics: nursery.ConvertPanics}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			o = early(ctx, n)
			return ctx.Err()
		})
		if p, ok := o.err.(*nursery.PanicError); !ok || p.Value != "bad" || p.Task != "server" || err != nil {
			t.Errorf("Start of a task that panics: %v, Run = %v, want its *PanicError, nil", o, err)
		}
	})
}

func TestPanicTakesPrecedenceOverErrors(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_20
	bubbletest.Run(t, "in a body that is canceled for a task", func(t *testing.T) {
		start := time.Now()
		siblingEnded := false
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("crasher", failing(time.Second, errBoom))
				n.GoNamed("sibling", func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					siblingEnded = true
					return nil
				})
				<-ctx.Done()
				panic("interrupt")
			})
		})
		bubbletest.CheckElapsed(t, "Run with a sibling that takes a second to end", start, 2*time.Second)
		// Python drops the error of the task as well.
		if o.panicked != "interrupt" {
			t.Fatalf("Run with a task that fails and a body that panics: %v, want a panic with the body's own value", o)
		}
		if !siblingEnded {
			t.Error("Run panicked while a task was running, want all ended")
		}
	})
}

func TestPanicInATaskWithAHandle(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::TestCreateTask::test_base_exception
	bubbletest.Run(t, "reaches who waits and the caller of Run", func(t *testing.T) {
		start := time.Now()
		var task *nursery.Task[int]
		var waited, late error
		var value int
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				task = nursery.Spawn(n, "bad", func(ctx context.Context) (int, error) {
					if err := failing(time.Second, nil)(ctx); err != nil {
						return 0, err
					}
					panic(errBoom)
				})
				n.GoNamed("slow", func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					return nil
				})
				// Not under ctx: the panic cancels that before the wait ends.
				value, waited = task.Wait(context.WithoutCancel(ctx))
				return nil
			})
		})
		bubbletest.CheckElapsed(t, "Run with a task that takes a second to end", start, 2*time.Second)
		if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Value != errBoom || p.Task != "bad" || !errors.Is(p, errBoom) {
			t.Errorf("Run with a task that panics: %v, want a panic with the task's *PanicError", o)
		}
		if p, ok := waited.(*nursery.PanicError); !ok || p.Value != errBoom || value != 0 {
			t.Errorf("Wait for a task that panicked = %d, %v, want 0 and its *PanicError", value, shape(waited))
		}
		if _, late = task.Result(); late != waited {
			t.Errorf("Result of a task that panicked = %v, want what Wait gave, %v", shape(late), shape(waited))
		}
	})
}
