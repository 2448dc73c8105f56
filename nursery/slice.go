package nursery

import (
	"context"
	"sync/atomic"
)

// A cursor runs as many items as there are indexes from 0 to before count, as tasks of a
// nursery, with at most limit workers. It is for items that are all there when the call
// begins, so that a worker takes one by increasing an integer.
//
// Before a worker runs its first item it starts another worker, as long as there are
// fewer than limit. So while there are items and fewer than limit run, a worker that
// runs none is runnable, and tiny items are done by the few workers that get to run.
//
// A worker whose item panics or exits is not replaced: by then the nursery is canceled,
// and no item would be started.
type cursor struct {
	next    atomic.Int64 // the index of the next item to be taken; grows beyond count
	missing atomic.Int64 // the lowest index that miss was called with, count if it was not

	// Read-only after the call of begin.
	n     *Nursery
	limit int // at most count
	count int
	fn    any // what the user gave, for names
	run   func(ctx context.Context, index int) error
}

// newCursor returns a cursor that runs nothing yet.
func newCursor(limit, count int, fn any) *cursor {
	c := &cursor{limit: min(limit, count), count: count, fn: fn}
	c.missing.Store(int64(count))
	return c
}

// begin starts to run the items. It is called by the body of n.
func (c *cursor) begin(n *Nursery, run func(ctx context.Context, index int) error) {
	c.n, c.run = n, run
	if c.count > 0 {
		c.start(1)
	}
}

// start starts the worker with that number, counted from 1. It is called where n is open.
func (c *cursor) start(number int) {
	c.n.enter(taskShare)
	go c.work(number)
}

// work is the goroutine of a worker.
func (c *cursor) work(number int) {
	w := c.n.newWorker(c.fn, "")
	defer w.exit()
	defer w.end()
	// Read before the loop: next, which all workers write, is in the same cache line.
	ctx, count, run := c.n.ctx, c.count, c.run
	more := number < c.limit // another worker may be started
	for {
		next := c.next.Add(1) - 1
		if next >= int64(count) { // or more than an int can be, on some machines
			break
		}
		index := int(next)
		w.begin(index)
		if ctx.Err() != nil {
			c.miss(index)
			c.n.cutShort(c.fn)
			break
		}
		if more && index < count-1 {
			c.start(number + 1)
		}
		more = false
		if itemsApart {
			w.apart(index, c.limit == 1, func(ctx context.Context) error { return run(ctx, index) })
			continue
		}
		if err := run(w.ctx, index); err != nil {
			w.failed(err)
		}
	}
	w.returned = true
}

// miss records that the item with that index has no result.
func (c *cursor) miss(index int) {
	for {
		lowest := c.missing.Load()
		if lowest <= int64(index) || c.missing.CompareAndSwap(lowest, int64(index)) {
			return
		}
	}
}

// eachOf returns a receive function for the items of a slice, for entry points that
// bound how far the items are ahead of a loop, and a function that reports whether it has
// given the last one.
func eachOf[T any](list []T) (receive func(ctx context.Context) (T, error), over func() bool) {
	next := 0
	receive = func(context.Context) (T, error) {
		next++
		return list[next-1], nil
	}
	return receive, func() bool { return next == len(list) }
}
