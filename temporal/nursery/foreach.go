package nursery

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/wait"
)

// ForEach calls fn for each item of items, in a coroutine of its own, for at most limit items at
// a time, and returns when all calls have.
//
// ForEach is a nursery whose tasks are those calls, and all that is said of [Run] holds: every
// error is returned in one [*Error], where the task of the first item is called "item 0"; an item
// that fails cancels the others. ForEach returns nil if the items have come to their end and every
// call returned nil.
//
// A sequence or receive function is asked for an item only when fn can be called with it at once.
// Once an item has failed or ctx is canceled, it is not asked any more. What has been taken from
// it has been given to fn, also if the context is canceled by then. If ctx is canceled before the
// items have come to their end, ForEach returns the cancellation even if no call does. An error of
// a receive function other than io.EOF is an error of the body.
//
// ForEach panics if ctx or fn is nil, if items is a nil function, or if limit is less than 1.
func ForEach[S Items[T], T any](ctx workflow.Context, limit int, items S, fn func(ctx workflow.Context, item T) error) error {
	checkItems("ForEach", ctx, limit, fn == nil)
	return forEach(ctx, limit, sourceOf[S, T]("ForEach", items), func(int) func(workflow.Context, T) error { return fn })
}

// ForN calls fn for each number from 0 to n-1, as [ForEach] does for items. It is for results
// that are stored by index. It panics as ForEach does, and if n is negative.
func ForN(ctx workflow.Context, limit, n int, fn func(ctx workflow.Context, i int) error) error {
	checkItems("ForN", ctx, limit, fn == nil)
	if n < 0 {
		panic("nursery: ForN with a negative number of items: pass how many there are")
	}
	numbers := func(_ workflow.Context, room func() bool, start func(int)) error {
		for i := 0; i < n && room(); i++ {
			start(i)
		}
		return nil
	}
	return forEach(ctx, limit, numbers, func(int) func(workflow.Context, int) error { return fn })
}

// Map is like [ForEach] for a function with a result, and returns the results in the order of the
// items, whatever the order in which they came.
//
// If the error is not nil, the results are those of the items before the first one that has none.
func Map[S Items[T], T, R any](ctx workflow.Context, limit int, items S, fn func(ctx workflow.Context, item T) (R, error)) ([]R, error) {
	checkItems("Map", ctx, limit, fn == nil)
	var results []*R // in the order of the items; nil where there is none
	err := forEach(ctx, limit, sourceOf[S, T]("Map", items), func(i int) func(workflow.Context, T) error {
		results = append(results, nil)
		return func(ctx workflow.Context, item T) error {
			value, err := fn(ctx, item)
			if err == nil {
				results[i] = &value
			}
			return err
		}
	})
	values := make([]R, 0, len(results))
	for _, r := range results {
		if r == nil {
			break
		}
		values = append(values, *r)
	}
	return values, err
}

// forEach runs a nursery with a task for each item; task returns that of the i-th one, and is
// called once for each i in turn.
func forEach[T any](ctx workflow.Context, limit int, items source[T], task func(i int) func(workflow.Context, T) error) error {
	return Run(ctx, func(ctx workflow.Context, n *Nursery) error {
		count, working, stopped := 0, 0, false
		room := func() bool {
			stopped = stopped || wait.Until(ctx, func() bool { return working < limit }) != nil || cancelscope.Cause(ctx) != nil
			return !stopped
		}
		err := items(ctx, room, func(item T) {
			run := task(count)
			w := label{name: "item " + strconv.Itoa(count), task: run, madeUp: true}
			count++
			working++
			_ = n.tryFor(w, func(ctx workflow.Context) error { // the body runs, so it is open
				err := run(ctx, item)
				working--
				return err
			})
		})
		if err == nil && stopped {
			return cancelscope.Cause(ctx)
		}
		return err
	})
}
