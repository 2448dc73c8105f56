package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// noContext is nil in a way that linters let pass.
var noContext context.Context

func TestNilForRun(t *testing.T) {
	ran := false
	body := func(context.Context, *nursery.Nursery) error { ran = true; return nil }
	config := nursery.Config{Panics: nursery.ConvertPanics}
	const (
		nilContext = "nursery: Run with a nil context: pass context.Background() "
		nilBody    = "nursery: Run with a nil body: "
	)
	bubbletest.CheckPanics(t, "Run(nil, body)", nilContext, func() { _ = nursery.Run(noContext, body) })
	bubbletest.CheckPanics(t, "Run(ctx, nil)", nilBody, func() { _ = nursery.Run(t.Context(), nil) })
	bubbletest.CheckPanics(t, "Config.Run(nil, body)", nilContext, func() { _ = config.Run(noContext, body) })
	bubbletest.CheckPanics(t, "Config.Run(ctx, nil)", nilBody, func() { _ = config.Run(t.Context(), nil) })
	for _, policy := range []nursery.PanicPolicy{-1, 3, 256} { // 256 would fit into the field as 0
		bubbletest.CheckPanics(t, fmt.Sprintf("Config{Panics: %d}.Run", policy), fmt.Sprintf("nursery: Config.Panics is %d: set ", policy), func() {
			_ = nursery.Config{Panics: policy}.Run(t.Context(), body)
		})
	}
	if ran {
		t.Error("a body ran without a context")
	}
}

func TestNilForTasks(t *testing.T) {
	const (
		nilTask    = "nursery: nil function for a task: "
		nilSpawn   = "nursery: Spawn with a nil function: "
		intoNil    = "nursery: Spawn into a nil nursery: "
		nilStart   = "nursery: Start with a nil function: "
		startNil   = "nursery: Start into a nil nursery: "
		nilContext = "nursery: Start with a nil context: "
	)
	ran := false
	result := func(context.Context) (int, error) { ran = true; return 0, nil }
	task := func(context.Context, func(int)) error { ran = true; return nil }
	both := func(context.Context, func(int)) (int, error) { ran = true; return 0, nil }

	check := func(ctx context.Context, n *nursery.Nursery) {
		bubbletest.CheckPanics(t, "Go(nil)", nilTask, func() { n.Go(nil) })
		bubbletest.CheckPanics(t, "GoNamed(name, nil)", nilTask, func() { n.GoNamed("name", nil) })
		bubbletest.CheckPanics(t, "TryGo(nil)", nilTask, func() { _ = n.TryGo("", nil) })
		bubbletest.CheckPanics(t, "TryGo(name, nil)", nilTask, func() { _ = n.TryGo("name", nil) })

		bubbletest.CheckPanics(t, "Spawn(n, nil)", nilSpawn, func() { nursery.Spawn[int](n, "", nil) })
		bubbletest.CheckPanics(t, "Spawn(n, name, nil)", nilSpawn, func() { nursery.Spawn[int](n, "name", nil) })
		bubbletest.CheckPanics(t, "Spawn(nil, f)", intoNil, func() { nursery.Spawn(nil, "", result) })
		bubbletest.CheckPanics(t, "Spawn(nil, name, f)", intoNil, func() { nursery.Spawn(nil, "name", result) })

		bubbletest.CheckPanics(t, "Start(ctx, n, nil)", nilStart, func() { _, _ = nursery.Start[int](ctx, n, "", nil) })
		bubbletest.CheckPanics(t, "Start(ctx, n, name, nil)", nilStart, func() { _, _ = nursery.Start[int](ctx, n, "name", nil) })
		bubbletest.CheckPanics(t, "StartTask(ctx, n, nil)", "nursery: StartTask with a nil function: ", func() {
			_, _, _ = nursery.StartTask[int, int](ctx, n, "", nil)
		})
		bubbletest.CheckPanics(t, "Start(ctx, nil, task)", startNil, func() { _, _ = nursery.Start(ctx, nil, "", task) })
		bubbletest.CheckPanics(t, "Start(ctx, nil, name, task)", startNil, func() { _, _ = nursery.Start(ctx, nil, "name", task) })
		bubbletest.CheckPanics(t, "StartTask(ctx, nil, task)", startNil, func() { _, _, _ = nursery.StartTask(ctx, nil, "", both) })
		bubbletest.CheckPanics(t, "Start(nil, n, task)", nilContext, func() { _, _ = nursery.Start(noContext, n, "", task) })
		bubbletest.CheckPanics(t, "Start(nil, n, name, task)", nilContext, func() { _, _ = nursery.Start(noContext, n, "name", task) })
		bubbletest.CheckPanics(t, "StartTask(nil, n, task)", nilContext, func() { _, _, _ = nursery.StartTask(noContext, n, "", both) })

		if got := n.Running(); got != 0 || ran {
			t.Errorf("after calls that were refused: Running() = %d, a task ran: %t, want 0, false", got, ran)
		}
	}
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		check(ctx, n)
		return ctx.Err()
	})
	checkShape(t, "Run", err, "nil")

	// A mistake in the call comes before the state of the nursery.
	check(t.Context(), new(nursery.Nursery))
}

func TestNilForWait(t *testing.T) {
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		task := nursery.Spawn(n, "", func(context.Context) (int, error) { return 7, nil })
		const want = "nursery: Wait with a nil context: pass the context of the calling task"
		bubbletest.CheckPanics(t, "Wait(nil)", want, func() { _, _ = task.Wait(noContext) })
		<-task.Done()
		bubbletest.CheckPanics(t, "Wait(nil) after the end", want, func() { _, _ = task.Wait(noContext) })
		return nil
	})
	checkShape(t, "Run", err, "nil")
}

func TestStartedTwice(t *testing.T) {
	const twice = "nursery: started called twice: call it once, "

	for name, canceled := range map[string]bool{"after the move": false, "where the task cannot move": true} {
		bubbletest.Run(t, name, func(t *testing.T) {
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if canceled {
					cancel()
				}
				value, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
					started(1)
					bubbletest.CheckPanics(t, "second started", twice, func() { started(2) })
					return nil
				})
				if value != 1 || err != nil {
					t.Errorf("Start under a caller that is canceled: %t = %d, %v, want the first value 1, nil", canceled, value, err)
				}
				return nil
			})
			checkShape(t, "Run", err, "nil")
		})
	}

	bubbletest.Run(t, "as a panic of the task", func(t *testing.T) {
		got := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "hasty", func(_ context.Context, started func(int)) error {
					started(1)
					started(2)
					return nil
				})
				if err != nil {
					t.Errorf("Start = %v, want nil: the task was started", err)
				}
				return nil
			})
		})
		raised, _ := got.panicked.(*nursery.PanicError)
		if raised == nil {
			t.Fatalf("Run: %v, want a panic with a *PanicError", got)
		}
		if text, _ := raised.Value.(string); !strings.HasPrefix(text, twice) || raised.Task != "hasty" {
			t.Errorf("Run: panic of task %q with %v, want hasty, %q", raised.Task, raised.Value, twice)
		}
	})

	bubbletest.Run(t, "by two goroutines", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
				outcomes := make(chan outcome, 2)
				for i := range 2 {
					go func() { outcomes <- outcomeOf(func() error { started(i); return nil }) }()
				}
				refused := 0
				for range 2 {
					if o := <-outcomes; o.panicked != nil {
						refused++
						if text, _ := o.panicked.(string); !strings.HasPrefix(text, twice) {
							t.Errorf("started: %v, want a panic with %q", o, twice)
						}
					}
				}
				if refused != 1 {
					t.Errorf("started by two goroutines: %d refused, want 1", refused)
				}
				return nil
			})
			return err
		})
		checkShape(t, "Run", err, "nil")
	})
}

func TestStartedAfterTheEnd(t *testing.T) {
	const late = "nursery: started called after its task has ended: "
	for _, called := range []bool{false, true} {
		name := "never called before"
		if called {
			name = "called before"
		}
		t.Run(name, func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				var kept func(int)
				_, handle, err := nursery.StartTask(ctx, n, "", func(_ context.Context, started func(int)) (int, error) {
					kept = started
					if called {
						started(1)
					}
					return 0, nil
				})
				switch {
				case called && err == nil:
					<-handle.Done()
				case !called && errors.Is(err, nursery.ErrNotStarted):
				default:
					t.Errorf("StartTask, started called: %t, gives the error %v", called, err)
				}
				bubbletest.CheckPanics(t, "started after the end", late, func() { kept(2) })
				return nil
			})
			checkShape(t, "Run", err, "nil")
		})
	}
}

// A mistake is a panic like any other to the nursery in which it is made.
func TestMisuseInTheBodyIsConverted(t *testing.T) {
	config := nursery.Config{Panics: nursery.ConvertPanics}
	err := config.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		n.Go(nil)
		return nil
	})
	e, ok := err.(*nursery.Error)
	if !ok {
		t.Fatalf("Run = %v, want an *Error", err)
	}
	task, _ := e.Unwrap()[0].(*nursery.TaskError)
	if task == nil || task.Task != "body" {
		t.Fatalf("Run = %v, want an error of the body", err)
	}
	p, _ := task.Err.(*nursery.PanicError)
	if p == nil || !strings.HasPrefix(p.Value.(string), "nursery: nil function for a task: ") {
		t.Errorf("Run: error of the body %v, want the panic of Go(nil)", task.Err)
	}
}

func TestNurseryThatRunHasNotMade(t *testing.T) {
	// catalogue: trio/test_run.py::test_Nursery_init
	t.Run("one that Run has not made is closed", func(t *testing.T) {
		for field := range reflect.TypeFor[nursery.Nursery]().Fields() {
			if field.IsExported() {
				t.Errorf("Nursery has the field %s, want none by which one could be made", field.Name)
			}
		}
		checkRefusal(t, new(nursery.Nursery))
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_not_entered
	t.Run("one that was never entered is closed", func(t *testing.T) {
		var n nursery.Nursery
		checkRefusal(t, &n)
		if got := n.Running(); got != 0 {
			t.Errorf("Running() after tasks that were refused = %d, want 0", got)
		}
	})
}

func TestClosedNursery(t *testing.T) {
	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_finished
	// catalogue: anyio/test_taskgroups.py::test_already_closed
	t.Run("after an end", func(t *testing.T) {
		var n *nursery.Nursery
		err := nursery.Run(t.Context(), func(_ context.Context, open *nursery.Nursery) error {
			n = open
			n.Go(func(context.Context) error { return nil })
			return nil
		})
		checkShape(t, "Run", err, "nil")
		checkRefusal(t, n)
		if got := n.Running(); got != 0 {
			t.Errorf("Running() after tasks that were refused = %d, want 0", got)
		}
	})

	// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_coro_closed_when_tg_closed
	t.Run("from a goroutine that belongs to no nursery", func(t *testing.T) {
		var n *nursery.Nursery
		err := nursery.Run(t.Context(), func(_ context.Context, open *nursery.Nursery) error {
			n = open
			return nil
		})
		checkShape(t, "Run", err, "nil")
		tried := make(chan struct{})
		go func() {
			defer close(tried)
			checkRefusal(t, n)
		}()
		<-tried
	})

	// catalogue: anyio/test_taskgroups.py::test_start_soon_after_error
	t.Run("after a failure of the body", func(t *testing.T) {
		var n *nursery.Nursery
		err := nursery.Run(t.Context(), func(_ context.Context, open *nursery.Nursery) error {
			n = open
			return errBoom
		})
		checkShape(t, "Run", err, "[body=boom]")
		checkRefusal(t, n)
	})
}

// checkRefusal checks that a closed nursery refuses tasks in all ways, and runs
// none of them.
func checkRefusal(t *testing.T, n *nursery.Nursery) {
	t.Helper()
	ctx := t.Context()
	// A nursery that ran it after all would do so in a goroutine that goleak finds,
	// and that the race detector sees.
	ran := false
	task := func(context.Context) error { ran = true; return nil }
	result := func(context.Context) (int, error) { ran = true; return 0, nil }
	starting := func(_ context.Context, started func(int)) error { ran = true; started(1); return nil }

	const closed = " a nursery that has closed: call it while the body or a task of the nursery runs"
	bubbletest.CheckPanics(t, "Go", "nursery: Go on"+closed+", or use TryGo", func() { n.Go(task) })
	bubbletest.CheckPanics(t, "GoNamed", "nursery: GoNamed on"+closed+", or use TryGo", func() { n.GoNamed("late", task) })
	bubbletest.CheckPanics(t, "Spawn", "nursery: Spawn in"+closed, func() { nursery.Spawn(n, "", result) })
	bubbletest.CheckPanics(t, "Spawn", "nursery: Spawn in"+closed, func() { nursery.Spawn(n, "late", result) })

	if err := n.TryGo("", task); err != nursery.ErrClosed {
		t.Errorf("TryGo = %v, want %v", err, nursery.ErrClosed)
	}
	if err := n.TryGo("late", task); err != nursery.ErrClosed {
		t.Errorf("TryGo = %v, want %v", err, nursery.ErrClosed)
	}
	if value, err := nursery.Start(ctx, n, "", starting); value != 0 || err != nursery.ErrClosed {
		t.Errorf("Start = %v, %v, want 0, %v", value, err, nursery.ErrClosed)
	}
	if value, err := nursery.Start(ctx, n, "late", starting); value != 0 || err != nursery.ErrClosed {
		t.Errorf("Start = %v, %v, want 0, %v", value, err, nursery.ErrClosed)
	}
	value, handle, err := nursery.StartTask(ctx, n, "", func(_ context.Context, started func(int)) (string, error) {
		ran = true
		started(1)
		return "", nil
	})
	if value != 0 || handle != nil || err != nursery.ErrClosed {
		t.Errorf("StartTask = %v, %v, %v, want 0, nil, %v", value, handle, err, nursery.ErrClosed)
	}
	if ran {
		t.Error("a closed nursery ran a task")
	}
}

// In asyncio a group that is aborting takes no tasks. Here Trio's rule counts: it
// takes them, and they run to their first wait.
//
// catalogue: asyncio/test_taskgroups.py::TestTaskGroup::test_taskgroup_no_create_task_after_failure
func TestGoAfterFailure(t *testing.T) {
	bubbletest.Run(t, "a task that is too late", func(t *testing.T) {
		ran := false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("first", failing(0, errBoom))
			err := deadline.Sleep(ctx, forever)
			bubbletest.CheckCanceled(t, "Sleep in the body", err, cancelscope.ByTask)

			late := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				ran = true
				err := deadline.Sleep(ctx, 0)
				c := bubbletest.CheckCanceled(t, "Sleep in the late task", err, cancelscope.ByTask)
				if !errors.Is(c, errBoom) {
					t.Errorf("Sleep in the late task = %v, want the first failure %v in it", c, errBoom)
				}
				return 0, err
			})
			<-late.Done()
			if err := n.TryGo("", func(context.Context) error { return errBang }); err != nil {
				t.Errorf("TryGo in a nursery that is being canceled = %v, want nil", err)
			}
			return err
		})
		if !ran {
			t.Error("the late task did not run")
		}
		if e, ok := err.(*nursery.Error); !ok || len(e.Unwrap()) != 2 || !errors.Is(e.Unwrap()[0], errBoom) || !errors.Is(e.Unwrap()[1], errBang) {
			t.Errorf("Run = %v, want an Error of %v and %v", err, errBoom, errBang)
		}
	})
}
