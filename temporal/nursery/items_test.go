package nursery_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

type numbers []int // a named slice type

// receiver returns a receive function over items that takes d for each.
func receiver(d time.Duration, last error, items ...int) func(ctx workflow.Context) (int, error) {
	return func(ctx workflow.Context) (int, error) {
		if err := sleeps(d)(ctx); err != nil {
			return 0, err
		}
		if len(items) == 0 {
			return 0, last
		}
		item := items[0]
		items = items[1:]
		return item, nil
	}
}

// each runs ForEach over one of the kinds of items.
var each = map[string]func(ctx workflow.Context, limit int, items []int, fn func(ctx workflow.Context, item int) error) error{
	"slice": func(ctx workflow.Context, limit int, items []int, fn func(workflow.Context, int) error) error {
		return nursery.ForEach(ctx, limit, numbers(items), fn)
	},
	"sequence": func(ctx workflow.Context, limit int, items []int, fn func(workflow.Context, int) error) error {
		return nursery.ForEach(ctx, limit, slices.Values(items), fn)
	},
	"function": func(ctx workflow.Context, limit int, items []int, fn func(workflow.Context, int) error) error {
		return nursery.ForEach(ctx, limit, receiver(0, io.EOF, items...), fn)
	},
	"channel": func(ctx workflow.Context, limit int, items []int, fn func(workflow.Context, int) error) error {
		c := workflow.NewBufferedChannel(ctx, len(items))
		for _, item := range items {
			c.Send(ctx, item)
		}
		c.Close()
		return nursery.ForEach(ctx, limit, wait.From[int](c), fn)
	},
	"numbers": func(ctx workflow.Context, limit int, items []int, fn func(workflow.Context, int) error) error {
		return nursery.ForN(ctx, limit, len(items), func(ctx workflow.Context, i int) error { return fn(ctx, items[i]) })
	},
}

var kinds = []string{"slice", "sequence", "function", "channel", "numbers"}

// Every item is given to the function, at most so many at a time, in their order.
func TestForEach(t *testing.T) {
	for _, kind := range kinds {
		for _, test := range []struct {
			limit int
			took  time.Duration
		}{{1, 5 * time.Second}, {2, 3 * time.Second}, {nursery.NoLimit, time.Second}} {
			inWorkflow(t, func(ctx workflow.Context) {
				start := workflow.Now(ctx)
				var got []int
				running, most := 0, 0
				err := each[kind](ctx, test.limit, []int{3, 1, 4, 1, 5}, func(ctx workflow.Context, item int) error {
					got = append(got, item)
					running++
					most = max(most, running)
					err := sleeps(time.Second)(ctx)
					running--
					return err
				})
				if d := workflow.Now(ctx).Sub(start); err != nil || fmt.Sprint(got) != "[3 1 4 1 5]" || d != test.took || most != min(test.limit, 5) {
					t.Errorf("%s, limit %d: %v after %v: %v, %d at a time, want all in order after %v", kind, test.limit, err, d, got, most, test.took)
				}
			})
		}
	}
}

// An item that fails cancels the others, and no more are taken.
func TestForEachFails(t *testing.T) {
	for _, kind := range kinds {
		inWorkflow(t, func(ctx workflow.Context) {
			begun := 0
			err := each[kind](ctx, 2, []int{0, 1, 2, 3, 4, 5}, func(ctx workflow.Context, item int) error {
				begun++
				if item == 1 {
					return errReal
				}
				return sleeps(time.Minute)(ctx)
			})
			var task *nursery.TaskError
			if text(err) != "real" || begun != 2 || !errors.As(err, &task) || task.Task != "item 1" {
				t.Errorf("%s: %v with %d items begun, want the error of item 1 with 2", kind, err, begun)
			}
		})
	}
}

// If the context is canceled before the items have come to their end, that is returned even if no
// call returns it.
func TestForEachIsCanceled(t *testing.T) {
	for _, kind := range kinds {
		inWorkflow(t, func(ctx workflow.Context) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			begun := 0
			_ = s.Run(ctx, func(ctx workflow.Context) error {
				err := each[kind](ctx, 2, []int{0, 1, 2, 3}, func(ctx workflow.Context, item int) error {
					begun++
					stubborn(ctx, time.Minute)
					return nil
				})
				if err != s.Cause() {
					t.Errorf("%s: %v, want the cause of the context", kind, err)
				}
				return err
			})
			if begun != 2 {
				t.Errorf("%s: %d items were begun, want 2", kind, begun)
			}
		})
	}
}

// Items that have all been begun are a success, whatever the context says.
func TestForEachFinishesAllTheSame(t *testing.T) {
	for _, kind := range []string{"slice", "numbers"} {
		inWorkflow(t, func(ctx workflow.Context) {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, func(ctx workflow.Context) error {
				err := each[kind](ctx, 2, []int{0, 1}, func(ctx workflow.Context, item int) error {
					stubborn(ctx, time.Minute)
					return nil
				})
				if err != nil {
					t.Errorf("%s: %v, want nil", kind, err)
				}
				return err
			})
		})
	}
}

// An error of a receive function is one of the body; a cancellation ends it.
func TestForEachReceiveFails(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		begun := 0
		err := nursery.ForEach(ctx, 3, receiver(time.Second, errReal, 1, 2), func(ctx workflow.Context, _ int) error {
			begun++
			return forever(ctx)
		})
		if text(err) != "real" || begun != 2 {
			t.Errorf("ForEach over a function that fails = %v with %d begun, want its error, 2", err, begun)
		}
		var s cancelscope.Scope
		s.SetTimeout(90 * time.Minute)
		var got error
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			got = nursery.ForEach(ctx, 2, receiver(time.Hour, nil, 1, 2, 3), func(workflow.Context, int) error { return nil })
			return got
		})
		if got != s.Cause() || !s.CanceledCaught() {
			t.Errorf("ForEach over a function that waits = %v, want the cancellation", got)
		}
	})
}

// A sequence is asked for an item only when there is room, and is stopped.
func TestSequenceIsLazy(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		asked, stopped := 0, false
		var seq iter.Seq[int] = func(yield func(int) bool) {
			for i := 0; ; i++ {
				asked++
				if !yield(i) {
					stopped = true
					return
				}
			}
		}
		err := nursery.ForEach(ctx, 3, seq, func(ctx workflow.Context, item int) error {
			if asked > 3 && item < 3 {
				t.Errorf("%d items were asked for while the first three run", asked)
			}
			if item == 2 {
				return fails(time.Second, errReal)(ctx)
			}
			return sleeps(time.Minute)(ctx)
		})
		if text(err) != "real" || asked != 3 || !stopped {
			t.Errorf("ForEach = %v, asked %d times, stopped: %t, want the error, 3, true", err, asked, stopped)
		}
	})
}

func TestMap(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		square := func(ctx workflow.Context, item int) (int, error) {
			if item < 0 {
				return 0, errReal
			}
			return item * item, sleeps(time.Duration(10-item) * time.Second)(ctx) // later items end first
		}
		got, err := nursery.Map(ctx, nursery.NoLimit, []int{1, 2, 3}, square)
		if err != nil || fmt.Sprint(got) != "[1 4 9]" {
			t.Errorf("Map = %v, %v, want [1 4 9], nil", got, err)
		}
		got, err = nursery.Map(ctx, 1, slices.Values([]int{1, 2, -1, 3}), square)
		if text(err) != "real" || fmt.Sprint(got) != "[1 4]" {
			t.Errorf("Map = %v, %v, want the results before the failure", got, err)
		}
		got, err = nursery.Map(ctx, 1, []int(nil), square)
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("Map of nothing = %v, %v, want no results", got, err)
		}
	})
}

func TestMisuseOfItems(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		fn := func(workflow.Context, int) error { return nil }
		limit := ": pass how many items may run at a time, 1 or more, or NoLimit"
		mustPanic(t, "nursery: ForEach with a nil context: pass the one of the workflow or task", func() { _ = nursery.ForEach(nil, 1, []int{}, fn) })
		mustPanic(t, "nursery: ForEach with a nil function: there is nothing to run", func() { _ = nursery.ForEach[[]int, int](ctx, 1, nil, nil) })
		mustPanic(t, "nursery: ForEach with a limit of 0"+limit, func() { _ = nursery.ForEach(ctx, 0, []int{}, fn) })
		mustPanic(t, "nursery: ForN with a limit of -1"+limit, func() { _ = nursery.ForN(ctx, -1, 1, fn) })
		mustPanic(t, "nursery: ForN with a negative number of items: pass how many there are", func() { _ = nursery.ForN(ctx, 1, -1, fn) })
		mustPanic(t, "nursery: ForEach with a nil function for the items: pass an empty slice if there are none", func() {
			_ = nursery.ForEach(ctx, 1, iter.Seq[int](nil), fn)
		})
		mustPanic(t, "nursery: Map with a limit of 0"+limit, func() {
			_, _ = nursery.Map(ctx, 0, []int{}, func(workflow.Context, int) (int, error) { return 0, nil })
		})
		mustPanic(t, "nursery: Race without functions: there is nothing that could win", func() { _, _ = nursery.Race[int](ctx, nil) })
		mustPanic(t, "nursery: Race with a nil function: there is nothing to run", func() { _, _ = nursery.Race[int](ctx, nil, nil) })
		mustPanic(t, "nursery: All with a nil context: pass the one of the workflow or task", func() { _, _ = nursery.All[int](nil) })
	})
}

// The first success wins, the others are canceled and awaited, and late values are given back.
func TestRace(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		late := func(ctx workflow.Context) (int, error) {
			stubborn(ctx, time.Minute)
			return 7, nil
		}
		failing := func(workflow.Context) (int, error) { return 0, errReal }
		var discarded []int
		v, err := nursery.Race(ctx, func(v int) { discarded = append(discarded, v) },
			failing, answer(time.Second, nil), answer(time.Hour, nil), late)
		if d := workflow.Now(ctx).Sub(start); v != 42 || err != nil || d != time.Minute || fmt.Sprint(discarded) != "[7]" {
			t.Errorf("Race = %d, %v after %v, discarded %v, want 42, nil, 1m, [7]", v, err, d, discarded)
		}
		if v, err = nursery.Race(ctx, nil, late, late); v != 7 || err != nil {
			t.Errorf("Race without discard = %d, %v, want 7, nil", v, err)
		}
		if _, err = nursery.Race(ctx, nil, failing, failing); !errors.Is(err, errReal) {
			t.Errorf("Race of functions that fail = %v, want their errors", err)
		}
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			_, err := nursery.Race(ctx, nil, answer(time.Hour, nil))
			if err != s.Cause() {
				t.Errorf("Race that is canceled = %v, want the cause", err)
			}
			return err
		})
	})
}

func TestAll(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		got, err := nursery.All(ctx, answer(time.Minute, nil), func(workflow.Context) (int, error) { return 1, nil })
		if err != nil || fmt.Sprint(got) != "[42 1]" {
			t.Errorf("All = %v, %v, want [42 1], nil", got, err)
		}
		got, err = nursery.All(ctx, answer(time.Hour, nil), answer(0, errReal))
		if !errors.Is(err, errReal) || got != nil {
			t.Errorf("All = %v, %v, want the error", got, err)
		}
	})
}
