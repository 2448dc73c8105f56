package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A trace is what happened, in order.
type trace struct{ strings.Builder }

func (x *trace) add(format string, args ...any) { fmt.Fprintf(x, format+"\n", args...) }

func (x *trace) want(t *testing.T, want ...string) {
	t.Helper()
	if got := x.String(); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("it happened:\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

// Background tasks end after the tasks that use them, in a drain and when everything is
// canceled, and what is given to Cleanup comes last.
func TestOrder(t *testing.T) {
	for name, p := range map[string]serve.Program{
		"drain":  {Grace: time.Minute, Log: quiet},
		"cancel": {Log: quiet},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var x trace
				err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					serve.Cleanup(ctx, func(ctx context.Context) error { x.add("pool closed, %v", ctx.Err()); return nil })
					serve.Cleanup(ctx, func(ctx context.Context) error { x.add("cache closed, %v", ctx.Err()); return nil })
					n.Background("metrics", func(ctx context.Context) error {
						<-ctx.Done()
						x.add("metrics")
						return nil
					})
					n.Go(func(ctx context.Context) error {
						select {
						case <-serve.Draining(ctx):
						case <-ctx.Done():
						}
						// A second of work, canceled or not.
						for end := time.Now().Add(time.Second); time.Now().Before(end); {
							time.Sleep(100 * time.Millisecond)
						}
						x.add("request")
						return nil
					})
					time.Sleep(time.Second)
					serve.Drain(ctx, nil)
					return nil
				})
				if err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
				x.want(t, "request", "metrics", "cache closed, <nil>", "pool closed, <nil>")
			})
		})
	}
}

// A failure cancels the others at once, or begins their drain.
func TestFailure(t *testing.T) {
	for _, drains := range []bool{false, true} {
		for _, inBody := range []bool{false, true} {
			t.Run(fmt.Sprintf("drains=%t,body=%t", drains, inBody), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var x trace
					start := time.Now()
					p := serve.Program{Grace: time.Minute, DrainOnFailure: drains, Log: quiet, Name: "shop"}
					err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(ctx context.Context) error {
							err := deadline.Sleep(ctx, 10*time.Second)
							x.add("%v: %t", err == nil, bubbletest.IsClosed(serve.Draining(ctx)))
							return err
						})
						if inBody {
							return errTest
						}
						n.GoNamed("service", func(ctx context.Context) error { return errTest })
						return nil
					})
					if want := map[bool]string{true: "shop: test", false: "shop: service: test"}[inBody]; !errors.Is(err, errTest) || err.Error() != want {
						t.Errorf("Run = %v, want %s", err, want)
					}
					if code := serve.ExitCode(err); code != 1 {
						t.Errorf("ExitCode = %d, want 1", code)
					}
					want := map[bool]time.Duration{true: 10 * time.Second}[drains]
					if took := time.Since(start); took != want {
						t.Errorf("Run took %v, want %v", took, want)
					}
					if drains {
						x.want(t, "true: true")
					}
				})
			})
		}
	}
}

// A cancellation from outside, or a failure, closes Draining as well.
func TestCancelIsADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := serve.Program{Grace: time.Minute, Linger: time.Minute, Log: quiet}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("probe", func(ctx context.Context) error {
				<-serve.Draining(ctx)
				<-serve.Closing(ctx)
				return nil
			})
			cancel(errTest)
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, errTest) && !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want the cancellation", err)
		}
		if code := serve.ExitCode(err); code != 1 {
			t.Errorf("ExitCode = %d, want 1", code)
		}
	})
}

// The hook is called for each phase, in order, and does not delay them.
func TestOnPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x trace
		start := time.Now()
		p := serve.Program{Grace: 2 * time.Second, Linger: time.Second, Log: quiet, OnPhase: func(ctx context.Context, phase serve.Phase, reason error) {
			x.add("%v %v %v %v", phase, reason, time.Since(start), ctx.Err())
			time.Sleep(10 * time.Second)
		}}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, errTest)
			<-ctx.Done()
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("everything is canceled after %v, want 3s", took)
			}
			return nil
		})
		if took := time.Since(start); err != nil || took != 40*time.Second {
			t.Errorf("Run = %v after %v, want nil after all calls of the hook, which is 40s", err, took)
		}
		x.want(t, "draining test 0s <nil>", "closing test 10s <nil>",
			"canceled work was cut off 2s after the drain began to wait for it: body (3s) 20s <nil>", "ended <nil> 30s <nil>")
	})
}

// A program that ends without a drain has no phase but the last one, and logs nothing.
func TestEndWithoutDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x trace
		var lines record
		p := serve.Program{Log: lines.logger(), OnPhase: func(ctx context.Context, phase serve.Phase, reason error) { x.add("%v %v", phase, reason) }}
		for _, result := range []error{nil, errTest} {
			err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error { return result })
			if !errors.Is(err, result) {
				t.Errorf("Run = %v, want %v", err, result)
			}
		}
		x.want(t, "ended <nil>", "canceled scope canceled: a task failed: body: test", "ended test")
		lines.wantLines(t)
	})
}

// A failure that takes long to end is logged as well.
func TestSlowFailureIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		err := serve.Program{Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { time.Sleep(4 * time.Second); return nil })
			return errTest
		})
		if !errors.Is(err, errTest) {
			t.Errorf("Run = %v, want %v", err, errTest)
		}
		lines.wantLines(t, "level=WARN msg=waiting since=3s canceled=true reason=", "level=INFO msg=ended took=4s error=test")
	})
}

// A panic of the body keeps its value, and the functions of Cleanup are called.
func TestPanicsAndExits(t *testing.T) {
	for name, tt := range map[string]struct {
		body body
		want func(v any) bool
	}{
		"body": {func(context.Context, *nursery.Nursery) error { panic(errTest) }, func(v any) bool { return v == errTest }},
		"task": {func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic(errTest) })
			return nil
		}, isPanicError},
		"goexit": {func(context.Context, *nursery.Nursery) error { runtime.Goexit(); return nil }, func(v any) bool { return v == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cleaned, returned := false, false
				done := make(chan any)
				go func() {
					defer func() { done <- recover() }()
					_ = serve.Program{Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						serve.Cleanup(ctx, func(context.Context) error { cleaned = true; return nil })
						return tt.body(ctx, n)
					})
					returned = true
				}()
				if v := <-done; !tt.want(v) || returned || !cleaned {
					t.Errorf("Run: panic %v, returned %t, cleaned %t; want no return, and clean-up", v, returned, cleaned)
				}
			})
		})
	}
}

func isPanicError(v any) bool {
	p, ok := v.(*nursery.PanicError)
	return ok && p.Value == errTest
}

// A hook that panics ends the program like every panic.
func TestOnPhasePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve.Program{Grace: time.Minute, Log: quiet, OnPhase: func(context.Context, serve.Phase, error) { panic(errTest) }}
		defer func() {
			if v := recover(); !isPanicError(v) {
				t.Errorf("Run panicked with %v, want %v in a PanicError", v, errTest)
			}
		}()
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			<-ctx.Done()
			return nil
		})
		t.Errorf("Run = %v, want a panic", err)
	})
}

// Errors and panics of functions of Cleanup do not keep the others from being called.
func TestCleanupFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x trace
		other := errors.New("other")
		fail := func(name string, err error) func(context.Context) error {
			return func(ctx context.Context) error { x.add("%s", name); return err }
		}
		err := serve.Program{Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Cleanup(ctx, fail("one", errTest))
			serve.Cleanup(ctx, fail("two", nil))
			serve.Cleanup(ctx, func(ctx context.Context) error {
				serve.Cleanup(ctx, fail("four", nil)) // also from there
				x.add("three")
				return other
			})
			return nil
		})
		if !errors.Is(err, errTest) || !errors.Is(err, other) {
			t.Errorf("Run = %v, want both errors", err)
		}
		x.want(t, "three", "four", "two", "one")

		x.Reset()
		func() {
			defer func() {
				if v := recover(); v != errTest {
					t.Errorf("Run panicked with %v, want %v", v, errTest)
				}
			}()
			_ = serve.Program{Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				serve.Cleanup(ctx, fail("one", nil))
				serve.Cleanup(ctx, func(ctx context.Context) error { panic(errTest) })
				return nil
			})
		}()
		x.want(t, "one")
	})
}

// A program inside another one drains with it, and not the other way round.
func TestNestedPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := serve.Program{Grace: time.Hour, Linger: 5 * time.Second, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			inner := func(name string, p serve.Program, draining, closing, ended time.Duration) {
				n.GoNamed(name, func(ctx context.Context) error {
					p.Log = quiet
					err := p.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						<-serve.Draining(ctx)
						d := time.Since(start)
						<-serve.Closing(ctx)
						if c := time.Since(start); d != draining || c != closing {
							t.Errorf("%s: draining after %v, closing after %v, want %v and %v", name, d, c, draining, closing)
						}
						return deadline.Sleep(ctx, time.Minute)
					})
					if took := time.Since(start); took != ended {
						t.Errorf("%s: ended after %v, want %v", name, took, ended)
					}
					if cut := errors.As(err, new(*serve.CutError)); cut != (p.Grace > 0) {
						t.Errorf("%s: Run = %v", name, err)
					}
					return nil
				})
			}
			inner("without limits", serve.Program{}, 0, 5*time.Second, 65*time.Second)
			inner("shorter", serve.Program{Grace: time.Second, Linger: time.Second}, 0, 5*time.Second, 6*time.Second)
			inner("longer", serve.Program{Grace: time.Second, Linger: 10 * time.Second}, 0, 10*time.Second, 11*time.Second)
			n.Go(func(ctx context.Context) error {
				return serve.Program{Grace: time.Hour, Log: quiet}.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
					serve.Drain(inner, nil)
					if !bubbletest.IsClosed(serve.Closing(inner)) || bubbletest.IsClosed(serve.Draining(ctx)) {
						t.Error("Drain of the inner program: want it to drain, and the outer one not")
					}
					return nil
				})
			})
			synctest.Wait() // all programs run
			serve.Drain(ctx, nil)
			// One that begins later drains from the start.
			return serve.Program{Log: quiet}.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
				if !bubbletest.IsClosed(serve.Draining(inner)) || bubbletest.IsClosed(serve.Closing(inner)) {
					t.Error("a program that starts in the drain: want it to drain, and not to close before the outer one")
				}
				<-serve.Closing(inner)
				return nil
			})
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// The names of what a drain waits for include those of programs inside.
func TestNamesOfNestedPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		err := serve.Program{Grace: time.Minute, Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return serve.Program{Log: quiet}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return serve.Graceful(ctx, func() error { time.Sleep(4 * time.Second); return nil },
					func(context.Context) error { return nil }, nil)
			})
		})
		if err != nil || !strings.Contains(lines.String(), `for="[graceful > run (3s)]"`) {
			t.Errorf("Run = %v, log:\n%s\nwant nil and the server that it waits for", err, &lines)
		}
	})
}

// The log names what is waited for once, with the number, and not all of thousands.
func TestNamesAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		err := serve.Program{Grace: time.Minute, Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 15 {
				for range 3 {
					n.GoNamed(fmt.Sprintf("job %02d", i), func(ctx context.Context) error { return deadline.Sleep(ctx, 4*time.Second) })
				}
			}
			serve.Drain(ctx, nil)
			return nil
		})
		want := `for="[job 00 × 3 (3s) job 01 × 3 (3s) job 02 × 3 (3s) job 03 × 3 (3s) job 04 × 3 (3s) job 05 × 3 (3s) job 06 × 3 (3s) job 07 × 3 (3s) job 08 × 3 (3s) job 09 × 3 (3s) and 5 more]"`
		if err != nil || !strings.Contains(lines.String(), want) {
			t.Errorf("Run = %v, log:\n%s\nwant nil and %s", err, &lines, want)
		}
	})
}

func TestUntilDrain(t *testing.T) {
	for name, tt := range map[string]struct {
		grace time.Duration
		fn    func(accept, work context.Context) error
		want  func(err error) bool
	}{
		"cancellation of accept": {time.Minute, func(accept, work context.Context) error { <-accept.Done(); return accept.Err() }, func(err error) bool { return err == nil }},
		"real error":             {time.Minute, func(accept, work context.Context) error { <-accept.Done(); return errTest }, func(err error) bool { return err == errTest }},
		"both": {time.Minute, func(accept, work context.Context) error { <-accept.Done(); return errors.Join(accept.Err(), errTest) },
			func(err error) bool { return errors.Is(err, errTest) && !errors.Is(err, context.Canceled) }},
		"cancellation of work": {time.Second, func(accept, work context.Context) error { <-work.Done(); return work.Err() }, func(err error) bool { return errors.Is(err, context.Canceled) }},
		"nil":                  {time.Minute, func(accept, work context.Context) error { return nil }, func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_ = serve.Program{Grace: tt.grace, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					time.AfterFunc(time.Second, func() { serve.Drain(ctx, nil) })
					err := serve.UntilDrain(ctx, tt.fn)
					if !tt.want(err) {
						t.Errorf("UntilDrain = %v", err)
					}
					time.Sleep(2 * time.Second) // until the drain has begun
					return err
				})
			})
		})
	}
}

// A drain that has begun before UntilDrain is called counts.
func TestUntilDrainAfterTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return serve.UntilDrain(ctx, func(accept, work context.Context) error {
				if accept.Err() == nil || work.Err() != nil {
					t.Errorf("accept.Err = %v, work.Err = %v, want a cancellation and nil", accept.Err(), work.Err())
				}
				return accept.Err()
			})
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// Outside of a program, and where the drain is hidden, a drain is the end of the context.
func TestNoProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		check := func(ctx context.Context, done bool) {
			t.Helper()
			if bubbletest.IsClosed(serve.Draining(ctx)) != done || bubbletest.IsClosed(serve.Closing(ctx)) != done {
				t.Errorf("Draining and Closing are closed: %t and %t, want %t", bubbletest.IsClosed(serve.Draining(ctx)), bubbletest.IsClosed(serve.Closing(ctx)), done)
			}
		}
		check(ctx, false)
		_ = serve.Program{Grace: time.Minute, Log: quiet}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			check(ctx, true)
			check(serve.WithoutDrain(ctx), false)
			return nil
		})
		err := serve.UntilDrain(ctx, func(accept, work context.Context) error {
			cancel()
			return accept.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("UntilDrain = %v, want the cancellation of its context", err)
		}
		check(ctx, true)
	})
}

func TestDrainKeepsTheFirstReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		_ = serve.Program{Grace: time.Minute, Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, errTest)
			serve.Drain(ctx, errors.New("other"))
			return nil
		})
		lines.wantLines(t, "level=INFO msg=draining reason=test", "level=INFO msg=ended")
	})
}

func TestMisuse(t *testing.T) {
	ctx := t.Context()
	var after context.Context
	_ = serve.Program{Log: quiet}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { after = ctx; return nil })
	serve.Drain(after, nil) // does nothing
	var none context.Context
	noBody, noFn := body(nil), func(accept, work context.Context) error { return nil }
	for name, f := range map[string]func(){
		"serve: Run with a nil context": func() { _ = serve.Program{}.Run(none, noBody) },
		"serve: Run with a nil body":    func() { _ = serve.Program{}.Run(ctx, nil) },
		"serve: Program.Linger is negative": func() {
			_ = serve.Program{Linger: -1}.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
		},
		"serve: Drain with a nil context":      func() { serve.Drain(none, nil) },
		"serve: Cleanup with a nil context":    func() { serve.Cleanup(none, nil) },
		"serve: Drain with a context":          func() { serve.Drain(ctx, nil) },
		"serve: Cleanup with a context":        func() { serve.Cleanup(ctx, func(context.Context) error { return nil }) },
		"serve: Cleanup with a nil function":   func() { serve.Cleanup(after, nil) },
		"serve: Cleanup after the end":         func() { serve.Cleanup(after, func(context.Context) error { return nil }) },
		"serve: UntilDrain with a nil context": func() { _ = serve.UntilDrain(none, noFn) },
		"serve: UntilDrain with a nil func":    func() { _ = serve.UntilDrain(ctx, nil) },
		"serve: Ready with a nil context":      func() { serve.Ready(none) },
		"serve: HTTP with a nil context":       func() { _ = serve.HTTP(none, nil) },
		"serve: HTTP with a nil server":        func() { _ = serve.HTTP(ctx, nil) },
		"serve: HTTP with a server that": func() {
			s := &http.Server{}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_ = serve.HTTP(ended, s, listen(t))
			_ = serve.HTTP(ended, s, listen(t))
		},
		"serve: Conns with a nil context":     func() { _ = serve.Conns(none, nil, 1, nil) },
		"serve: Conns with a nil listener":    func() { _ = serve.Conns(ctx, nil, 1, nil) },
		"serve: Conns with the limit 0":       func() { _ = serve.Conns(ctx, listen(t), 0, nil) },
		"serve: Conns with a nil function":    func() { _ = serve.Conns(ctx, listen(t), 1, nil) },
		"serve: Graceful with a nil context":  func() { _ = serve.Graceful(none, nil, nil, nil) },
		"serve: Graceful with a nil function": func() { _ = serve.Graceful(ctx, nil, nil, nil) },
	} {
		func() {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.HasPrefix(v, name) {
					t.Errorf("panic %q, want one that begins with %q", v, name)
				}
			}()
			f()
		}()
	}
}
