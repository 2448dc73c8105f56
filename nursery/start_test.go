package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// readyAfter is a task that is ready after d, with the value v, and ends rest later
// with err.
func readyAfter[T any](d time.Duration, v T, rest time.Duration, err error) func(context.Context, func(T)) error {
	return func(ctx context.Context, started func(T)) error {
		if cause := deadline.Sleep(ctx, d); cause != nil {
			return cause
		}
		started(v)
		return failing(rest, err)(ctx)
	}
}

// crashing is a task that fails after d without having been ready.
func crashing(d time.Duration, err error) func(context.Context, func(int)) error {
	return func(ctx context.Context, _ func(int)) error { return failing(d, err)(ctx) }
}

// never is a task that ends without having been ready.
func never(context.Context, func(int)) error { return nil }

// runBody runs a nursery and checks that it returns nil.
func runBody(t *testing.T, body func(ctx context.Context, n *nursery.Nursery)) {
	t.Helper()
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		body(ctx, n)
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func TestStartWaitsUntilStarted(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_start
	// catalogue: anyio/test_taskgroups.py::test_start_with_value
	bubbletest.Run(t, "and gives the value", func(t *testing.T) {
		start := time.Now()
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, err := nursery.Start(ctx, n, "", readyAfter(time.Second, "ready", 2*time.Second, nil))
			bubbletest.CheckElapsed(t, "Start", start, time.Second)
			if v != "ready" || err != nil || n.Running() != 1 {
				t.Errorf("Start = %q, %v, Running %d, want ready, nil, 1", v, err, n.Running())
			}
		})
		bubbletest.CheckElapsed(t, "Run", start, 3*time.Second)
	})

	// catalogue: anyio/test_taskgroups.py::test_start_no_value
	bubbletest.Run(t, "and gives nothing for nothing", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, err := nursery.Start(ctx, n, "", readyAfter(time.Second, struct{}{}, 0, nil))
			if v != struct{}{} || err != nil {
				t.Errorf("Start = %v, %v, want {}, nil", v, err)
			}
			p, err := nursery.Start(ctx, n, "", readyAfter[*int](0, nil, 0, nil))
			if p != nil || err != nil {
				t.Errorf("Start with started(nil) = %v, %v, want nil, nil", p, err)
			}
		})
	})

	// catalogue: anyio/test_taskgroups.py::TestTaskStatusTyping
	bubbletest.Run(t, "and the value has the type that started takes", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			var err error
			var text string
			if text, err = nursery.Start(ctx, n, "", func(_ context.Context, started func(string)) error {
				started("a")
				return nil
			}); text != "a" || err != nil {
				t.Errorf("Start with started(string) = %q, %v, want a, nil", text, err)
			}
			var wide fmt.Stringer
			if wide, err = nursery.Start(ctx, n, "", func(_ context.Context, started func(fmt.Stringer)) error {
				started(time.Second)
				return nil
			}); wide != time.Second || err != nil {
				t.Errorf("Start with started(fmt.Stringer) = %v, %v, want 1s, nil", wide, err)
			}
		})
	})

	// catalogue: trio/test_run.py::test_nursery_start
	// catalogue: anyio/test_taskgroups.py::test_start_called_twice
	bubbletest.Run(t, "and takes no second value", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			v, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				started(1)
				bubbletest.CheckPanics(t, "started for the second time", "nursery: started called twice: ", func() { started(2) })
				return nil
			})
			if v != 1 || err != nil {
				t.Errorf("Start = %d, %v, want 1, nil", v, err)
			}
		})
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				v, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					started(1)
					time.Sleep(time.Second) // so that Start has returned
					started(2)
					return nil
				})
				if v != 1 || err != nil {
					t.Errorf("Start = %d, %v, want 1, nil", v, err)
				}
				return nil
			})
		})
		if _, ok := o.panicked.(*nursery.PanicError); !ok {
			t.Errorf("Run with a task that calls started twice: %v, want a panic with a *PanicError", o)
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_start_sync_wrapper_called_twice
	// Here the second call comes before Start can have returned, as in the coroutine's
	// wrapper of the row; it is the misuse of a task that has moved all the same.
	bubbletest.Run(t, "and takes no second value in the same breath", func(t *testing.T) {
		var v int
		var err error
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				v, err = nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
					started(1)
					started(2)
					return nil
				})
				return nil
			})
		})
		p, ok := o.panicked.(*nursery.PanicError)
		if !ok || p.Value != "nursery: started called twice: call it once, when the task is ready" || v != 1 || err != nil {
			t.Errorf("Start of a task that calls started twice = %d, %v, Run: %v, want 1, nil, a panic that says so", v, err, o)
		}

		// Under a caller who is canceled the task stays with Start, and so does the panic.
		o = outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.Scope().Cancel(nil)
				in := outcomeOf(func() error {
					_, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
						started(1)
						started(2)
						return nil
					})
					return err
				})
				if p, ok := in.panicked.(*nursery.PanicError); !ok || p.Value != "nursery: started called twice: call it once, when the task is ready" {
					t.Errorf("Start under a canceled context of a task that calls started twice: %v, want a panic that says so", in)
				}
				return nil
			})
		})
		if o != (outcome{}) {
			t.Errorf("Run around that Start: %v, want nil", o)
		}
	})
}

func TestStartOfATaskThatEndsEarly(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_start
	// catalogue: anyio/test_taskgroups.py::test_start_crash_before_started_call
	bubbletest.Run(t, "with an error", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			start := time.Now()
			v, err := nursery.Start(ctx, n, "", crashing(time.Second, errBoom))
			bubbletest.CheckElapsed(t, "Start", start, time.Second)
			if v != 0 || err != errBoom || ctx.Err() != nil {
				t.Errorf("Start of a task that fails = %d, %v, ctx.Err %v, want 0, the very %v, nil", v, err, ctx.Err(), errBoom)
			}
		})
	})

	// catalogue: trio/test_run.py::test_start_exception_preserves_cause_and_context
	bubbletest.Run(t, "with an error that has a story", func(t *testing.T) {
		cause := &oddError{"disk full"}
		want := fmt.Errorf("listen: %w", fmt.Errorf("open log: %w", cause))
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			_, err := nursery.Start(ctx, n, "", crashing(time.Second, want))
			if err != want || errors.Unwrap(errors.Unwrap(err)) != cause {
				t.Errorf("Start = %v, want the very error that the task returned, down to its cause", err)
			}
		})
	})

	// catalogue: trio/test_run.py::test_nursery_start
	// catalogue: anyio/test_taskgroups.py::test_start_no_started_call
	bubbletest.Run(t, "without one", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			start := time.Now()
			v, err := nursery.Start(ctx, n, "", crashing(time.Second, nil))
			bubbletest.CheckElapsed(t, "Start", start, time.Second)
			if v != 0 || !errors.Is(err, nursery.ErrNotStarted) {
				t.Errorf("Start of a task that returns nil = %d, %v, want 0, %v", v, err, nursery.ErrNotStarted)
			}
			for name, want := range map[string]string{
				"listener": "task listener ended without calling started",
				"":         "task nursery_test.never ended without calling started",
			} {
				if _, err := nursery.Start(ctx, n, name, never); fmt.Sprint(err) != want {
					t.Errorf("Start of a task named %q that returns nil = %v, want %q", name, err, want)
				}
				_, _, err := nursery.StartTask(ctx, n, name, func(ctx context.Context, started func(int)) (int, error) { return 0, never(ctx, started) })
				if name != "" && fmt.Sprint(err) != want {
					t.Errorf("StartTask of a task named %q that returns nil = %v, want %q", name, err, want)
				}
				_, err = nursery.StartBackground(ctx, n, name, never)
				if fmt.Sprint(err) != want || !errors.Is(err, nursery.ErrNotStarted) {
					t.Errorf("StartBackground of a task named %q that returns nil = %v, want %q", name, err, want)
				}
			}
		})
	})

	// catalogue: anyio/test_taskgroups.py::test_start_native_child_cancelled
	bubbletest.Run(t, "with a cancellation of its own", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			own, cancel := context.WithCancel(ctx)
			cancel()
			_, err := nursery.Start(ctx, n, "", crashing(0, own.Err()))
			if err != context.Canceled || ctx.Err() != nil {
				t.Errorf("Start of a task that cancels itself = %v, ctx.Err %v, want %v, nil", err, ctx.Err(), context.Canceled)
			}
			// One whose own scope absorbs that has just not started.
			_, err = nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				var s cancelscope.Scope
				s.Cancel(nil)
				return s.Run(ctx, sleeping(forever))
			})
			if !errors.Is(err, nursery.ErrNotStarted) || ctx.Err() != nil {
				t.Errorf("Start of a task that cancels its own scope = %v, ctx.Err %v, want %v, nil", err, ctx.Err(), nursery.ErrNotStarted)
			}
		})
	})

	// catalogue: anyio/test_taskgroups.py::test_start_crash_after_started_call
	bubbletest.Run(t, "but after started", func(t *testing.T) {
		var v int
		var started error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			v, started = nursery.Start(ctx, n, "server", readyAfter(0, 2, 0, errBoom))
			return nil
		})
		if v != 2 || started != nil {
			t.Errorf("Start of a task that fails after started = %d, %v, want 2, nil", v, started)
		}
		checkShape(t, "Run", err, "[server=boom]")
	})
}

func TestStartAddsNoLayer(t *testing.T) {
	// catalogue: trio/test_run.py::test_trio_run_strict_before_started
	group := func(ctx context.Context) error {
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("part", failing(0, errBoom))
			return nil
		})
	}
	for _, test := range []struct {
		name  string
		early bool
		fail  func(ctx context.Context) error
		want  string
	}{
		{"an error before started", true, failing(0, errBoom), "[body=boom]"},
		{"a group before started", true, group, "[body=[part=boom]]"},
		{"an error after started", false, failing(0, errBoom), "[task=boom]"},
		{"a group after started", false, group, "[task=[part=boom]]"},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "task", func(ctx context.Context, started func(int)) error {
					if !test.early {
						started(1)
					}
					return test.fail(ctx)
				})
				return err
			})
			checkShape(t, "Run with Start of a task that fails", err, test.want)
			if got := leaves(err); !slices.Equal(got, []error{errBoom}) {
				t.Errorf("errors of Run = %v, want the very %v", got, errBoom)
			}
		})
	}
}

func TestStartIntoAClosedNursery(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_start
	// catalogue: anyio/test_taskgroups.py::test_start_already_closed
	bubbletest.Run(t, "is refused", func(t *testing.T) {
		var kept *nursery.Nursery
		runBody(t, func(_ context.Context, n *nursery.Nursery) { kept = n })
		v, err := nursery.Start(t.Context(), kept, "", func(context.Context, func(int)) error {
			t.Error("the task runs, want it refused")
			return nil
		})
		if v != 0 || err != nursery.ErrClosed {
			t.Errorf("Start into a closed nursery = %d, %v, want 0, %v", v, err, nursery.ErrClosed)
		}
		w, task, err := nursery.StartTask(t.Context(), kept, "", func(context.Context, func(int)) (string, error) {
			t.Error("the task runs, want it refused")
			return "", nil
		})
		if w != 0 || task != nil || err != nursery.ErrClosed {
			t.Errorf("StartTask into a closed nursery = %d, %v, %v, want 0, nil, %v", w, task, err, nursery.ErrClosed)
		}
		synctest.Wait() // a task, had it been started, would have run by now
	})

	// catalogue: trio/test_run.py::test_nursery_start
	// A wrong signature does not compile; what is left of it is no function at all.
	bubbletest.Run(t, "and so is no function", func(t *testing.T) {
		runBody(t, func(ctx context.Context, n *nursery.Nursery) {
			bubbletest.CheckPanics(t, "Start with a nil function", "nursery: Start with a nil function: ", func() {
				nursery.Start[int](ctx, n, "", nil)
			})
			if n.Running() != 0 {
				t.Errorf("Running after that = %d, want 0", n.Running())
			}
		})
	})
}

func TestStartKeepsTheNurseryOpen(t *testing.T) {
	// catalogue: trio/test_run.py::test_nursery_start_keeps_nursery_open
	// run runs a nursery whose body returns while another goroutine starts a task there, and
	// returns when Run and Start have returned, and what.
	run := func(t *testing.T, task func(context.Context, func(int)) error) (runAt, startAt time.Duration, runErr, startErr error) {
		begin := time.Now()
		opened, pending := make(chan *nursery.Nursery), make(chan struct{})
		runBody(t, func(_ context.Context, outer *nursery.Nursery) {
			outer.Go(func(ctx context.Context) error {
				runErr = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					opened <- n
					<-pending
					return nil
				})
				runAt = time.Since(begin)
				return nil
			})
			outer.Go(func(ctx context.Context) error {
				_, startErr = nursery.Start(ctx, <-opened, "", func(ctx context.Context, started func(int)) error {
					close(pending)
					return task(ctx, started)
				})
				startAt = time.Since(begin)
				return nil
			})
		})
		return runAt, startAt, runErr, startErr
	}

	bubbletest.Run(t, "until the task has started and ended", func(t *testing.T) {
		runAt, startAt, runErr, startErr := run(t, readyAfter(6*time.Second, 1, time.Second, nil))
		if runAt != 7*time.Second || startAt != 6*time.Second || runErr != nil || startErr != nil {
			t.Errorf("Run = %v at %v, Start = %v at %v, want nil at 7s, nil at 6s", runErr, runAt, startErr, startAt)
		}
	})

	bubbletest.Run(t, "until the task has failed", func(t *testing.T) {
		runAt, startAt, runErr, startErr := run(t, crashing(6*time.Second, errBoom))
		if runAt != 6*time.Second || startAt != 6*time.Second || runErr != nil || startErr != errBoom {
			t.Errorf("Run = %v at %v, Start = %v at %v, want nil at 6s, %v at 6s", runErr, runAt, startErr, startAt, errBoom)
		}
	})
}
