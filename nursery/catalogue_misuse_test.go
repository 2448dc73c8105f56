package nursery_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func TestCatalogueNoNursery(t *testing.T) {
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

func TestCatalogueClosedNursery(t *testing.T) {
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
	checkPanics(t, "Go", "nursery: Go on"+closed+", or use TryGo", func() { n.Go(task) })
	checkPanics(t, "GoNamed", "nursery: GoNamed on"+closed+", or use TryGo", func() { n.GoNamed("late", task) })
	checkPanics(t, "Spawn", "nursery: Spawn in"+closed, func() { nursery.Spawn(n, "", result) })
	checkPanics(t, "Spawn", "nursery: Spawn in"+closed, func() { nursery.Spawn(n, "late", result) })

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
func TestCatalogueGoAfterFailure(t *testing.T) {
	inBubble(t, "a task that is too late", func(t *testing.T) {
		ran := false
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("first", failing(0, errBoom))
			err := deadline.Sleep(ctx, forever)
			checkCanceled(t, "Sleep in the body", err, cancelscope.ByTask)

			late := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				ran = true
				err := deadline.Sleep(ctx, 0)
				c := checkCanceled(t, "Sleep in the late task", err, cancelscope.ByTask)
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
