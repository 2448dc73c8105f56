package nursery_test

import (
	"context"
	"errors"
	"testing"

	"github.com/trellis-go/trellis/internal/ceiling"
	"github.com/trellis-go/trellis/nursery"
)

// What each entry point may allocate at most, with what its tasks allocate.
func TestAllocations(t *testing.T) {
	ceiling.SkipUnderRace(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx.Done()
	calls := append(callsOfRun(ctx), callsOfTasks(ctx)...)
	calls = append(calls, callsOfItems(ctx)...)
	calls = append(calls, callsOfErrors(t)...)
	ceiling.Check(t, calls)
	nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		inside := callsInside(ctx, n)
		ceiling.Check(t, inside)
		calls = append(calls, inside...)
		return nil
	})
	ceiling.CheckComplete(t, "../testdata/api/nursery.txt", calls)
}

func succeed(context.Context) error { return nil }

func value(context.Context) (int, error) { return 1, nil }

// in is a nursery with that body.
func in(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery)) func() {
	return func() {
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			body(ctx, n)
			return nil
		})
	}
}

func callsOfRun(ctx context.Context) []ceiling.Call {
	fail := func(context.Context, *nursery.Nursery) error { return errBoom }
	named := nursery.Config{Name: "workers", Supervise: true, Panics: nursery.ConvertPanics}
	return []ceiling.Call{
		ceiling.At(1, "Run", "", in(ctx, func(context.Context, *nursery.Nursery) {})),
		ceiling.At(2, "Run", "in Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) {
			nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
		})),
		ceiling.At(4, "Run", "with a look at Done", in(ctx, func(ctx context.Context, n *nursery.Nursery) { ctx.Done() })),
		ceiling.At(1, "Run", "with a look at Err", in(ctx, func(ctx context.Context, n *nursery.Nursery) { ctx.Err() })),
		ceiling.At(7, "Run", "that fails", func() { nursery.Run(ctx, fail) }),
		ceiling.At(1, "Config.Run", "", func() {
			named.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
		}),
		ceiling.At(2, "Nursery.Go", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.Go(succeed) })),
		ceiling.At(11, "Nursery.Go", "ten times, with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) {
			for range 10 {
				n.Go(succeed)
			}
		})),
		ceiling.At(8, "Nursery.Go", "of a task that fails, with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) {
			n.Go(func(context.Context) error { return errBoom })
		})),
	}
}

func callsOfTasks(ctx context.Context) []ceiling.Call {
	started := func(ctx context.Context, started func(int)) error {
		started(1)
		return nil
	}
	return []ceiling.Call{
		ceiling.At(2, "Nursery.GoNamed", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.GoNamed("task", succeed) })),
		ceiling.At(2, "Nursery.TryGo", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.TryGo("", succeed) })),
		ceiling.At(2, "Nursery.TryGo", "of a task with a name, with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.TryGo("task", succeed) })),
		ceiling.At(4, "Spawn", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { nursery.Spawn(n, "", value) })),
		ceiling.At(4, "Spawn", "of a task with a name, with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { nursery.Spawn(n, "task", value) })),
		ceiling.At(4, "Task.Wait", "with Spawn and Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) {
			nursery.Spawn(n, "", value).Wait(context.Background())
		})),
		ceiling.At(7, "Start", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { nursery.Start(ctx, n, "", started) })),
		ceiling.At(7, "Start", "of a task with a name, with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { nursery.Start(ctx, n, "task", started) })),
		ceiling.At(5, "Nursery.Task", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.Task("task", succeed) })),
		ceiling.At(11, "Nursery.Background", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { n.Background("task", succeed) })),
		ceiling.At(14, "StartBackground", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) { nursery.StartBackground(ctx, n, "task", started) })),
		ceiling.At(9, "StartTask", "with Run", in(ctx, func(ctx context.Context, n *nursery.Nursery) {
			nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (int, error) {
				started(1)
				return 2, nil
			})
		})),
	}
}

// callsInside are calls in a nursery that stays open.
func callsInside(ctx context.Context, n *nursery.Nursery) []ceiling.Call {
	ended := nursery.Spawn(n, "", value)
	<-ended.Done()
	running := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	return []ceiling.Call{
		ceiling.At(1, "Nursery.Go", "", func() { n.Go(succeed) }),
		ceiling.At(0, "Nursery.Running", "", func() { n.Running() }),
		ceiling.At(0, "Nursery.Scope", "", func() { n.Scope() }),
		ceiling.At(1, "Task.Name", "of a task that is named after its function", func() { ended.Name() }),
		ceiling.At(0, "Task.Done", "", func() { ended.Done() }),
		ceiling.At(0, "Task.Wait", "for a task that has ended", func() { ended.Wait(ctx) }),
		ceiling.At(0, "Task.Join", "for a task that has ended", func() { ended.Join() }),
		ceiling.At(0, "Task.Result", "", func() { ended.Result() }),
		ceiling.At(0, "Task.Result", "of a task that runs", func() { running.Result() }),
		ceiling.At(0, "Task.Cancel", "of a task that has ended", func() { ended.Cancel(nil) }),
		ceiling.At(0, "Task.Cancel", "more than once", func() { running.Cancel(nil) }),
	}
}

func callsOfItems(ctx context.Context) []ceiling.Call {
	two := []int{1, 2}
	return []ceiling.Call{
		ceiling.At(14, "ForEach", "without items", func() { nursery.ForEach(ctx, 2, upTo(0), item) }),
		ceiling.At(19, "Map", "without items", func() { nursery.Map(ctx, 2, upTo(0), double) }),
		ceiling.At(6, "ForEach", "over a slice", func() { nursery.ForEach(ctx, 2, two, item) }),
		ceiling.At(7, "Map", "over a slice", func() { nursery.Map(ctx, 2, two, double) }),
		ceiling.At(5, "ForN", "", func() { nursery.ForN(ctx, 2, 2, item) }),
		ceiling.At(32, "MapUnordered", "without items", func() { each(nursery.MapUnordered(ctx, 2, upTo(0), double)) }),
		ceiling.At(32, "MapSeq", "without items", func() { each(nursery.MapSeq(ctx, 2, upTo(0), double)) }),
		ceiling.At(8, "Race", "of two", func() { nursery.Race(ctx, nil, value, value) }),
		ceiling.At(6, "All", "of two", func() { nursery.All(ctx, value, value) }),
	}
}

func item(context.Context, int) error { return nil }

func double(_ context.Context, item int) (int, error) { return 2 * item, nil }

func each(results func(yield func(int, error) bool)) {
	for range results {
	}
}

// An item costs nothing by itself. A few allocations among many are those of the
// goroutines that take turns.
func TestAllocationsOfItems(t *testing.T) {
	ceiling.SkipUnderRace(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const many, most = 10_000, 0.01
	for _, c := range []struct {
		name string
		f    func(count int)
	}{
		{"ForEach", func(count int) { nursery.ForEach(ctx, 2, upTo(count), item) }},
		{"Map", func(count int) { nursery.Map(ctx, 2, upTo(count), double) }},
		{"MapSeq", func(count int) { each(nursery.MapSeq(ctx, 2, upTo(count), double)) }},
	} {
		none := testing.AllocsPerRun(50, func() { c.f(0) })
		got := (testing.AllocsPerRun(5, func() { c.f(many) }) - none) / many
		if t.Logf("%s: %v for each item", c.name, got); got > most {
			t.Errorf("%s of %d items: %v allocations for each, want at most %v", c.name, many, got, most)
		}
	}
}

func callsOfErrors(t *testing.T) []ceiling.Call {
	err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error { return errBoom })
	var all *nursery.Error
	var one *nursery.TaskError
	if !errors.As(err, &all) || !errors.As(err, &one) {
		t.Fatalf("Run of a body that fails = %v, want an *Error with a *TaskError", err)
	}
	err = nursery.Config{Panics: nursery.ConvertPanics}.Run(t.Context(), func(context.Context, *nursery.Nursery) error {
		panic(errBang)
	})
	var panicked *nursery.PanicError
	if !errors.As(err, &panicked) {
		t.Fatalf("Run of a body that panics = %v, want a *PanicError", err)
	}
	two := []error{errBoom, errBang}
	var causes []error // kept, as by a caller to whom the slice matters
	_ = causes
	return []ceiling.Call{
		ceiling.At(3, "Error.Error", "", func() { _ = all.Error() }),
		ceiling.At(0, "Error.Dropped", "", func() { all.Dropped() }),
		ceiling.At(1, "Error.LogValue", "of one failure", func() { all.LogValue() }),
		ceiling.At(0, "First", "", func() { err = nursery.First(all) }),
		ceiling.At(0, "Error.Unwrap", "", func() { causes = all.Unwrap() }),
		ceiling.At(1, "Error.Derive", "", func() { err = all.Derive(nil) }),
		ceiling.At(1, "TaskError.Error", "", func() { _ = one.Error() }),
		ceiling.At(0, "TaskError.Unwrap", "", func() { err = one.Unwrap() }),
		ceiling.At(3, "TaskError.Derive", "", func() { err = one.Derive(two) }),
		ceiling.At(5, "PanicError.Error", "", func() { _ = panicked.Error() }),
		ceiling.At(4, "PanicError.LogValue", "", func() { panicked.LogValue() }),
		ceiling.At(1, "PanicError.Unwrap", "", func() { causes = panicked.Unwrap() }),
		ceiling.At(0, "PanicError.Cancellation", "", func() { panicked.Cancellation() }),
	}
}
