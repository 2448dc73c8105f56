package nursery

import (
	"context"
	"iter"
	"strconv"
)

// ForEach calls fn for each item of seq, for at most limit items at a time, and
// returns when all calls have. Any sequence will do: slices.Values, maps.Keys, or
// [FromChan].
//
// ForEach is a nursery whose tasks are those calls, and all that is said of [Run]
// holds: every error comes out in one [*Error], where the task of the first item is
// called "item 0"; an item that fails cancels the others; panics and runtime.Goexit go
// on in the caller. The items share the context of the nursery: one that shall be
// canceled by itself, or have a limit of its own, opens a scope. ForEach returns nil if
// seq has come to its end and every call returned nil.
//
// seq is called in a goroutine of its own. It is asked for an item only when fn can be
// called with it at once, so it is never more than limit items ahead of those that are
// done. Once an item has failed or ctx is done, it is not asked any more, and told to
// stop: where it is waiting for its next item, it is up to seq to notice that, and
// ForEach returns when it has. What has been taken from seq has been given to fn, also
// if the context is done by then. If ctx is done before seq has come to its end,
// ForEach has been canceled, even if no call says so, and that goes on up as
// described at [Run]. A panic or Goexit of seq counts as that of a task called
// "sequence". As in a range statement, seq panics if it goes on after it was told to
// stop.
//
// Items share goroutines: one that is done with an item may take the next, and so what
// an item leaves behind in its goroutine, such as pprof labels, is there for later
// ones. Neither fn nor seq may leave its goroutine locked to its thread when it
// returns or yields, because the runtime ends a program that moves a sequence between
// locked goroutines; what must do that runs as a task of a nursery inside fn.
//
// ForEach panics if ctx, seq or fn is nil or limit is less than 1.
func ForEach[T any](ctx context.Context, limit int, seq iter.Seq[T], fn func(ctx context.Context, item T) error) error {
	checkItems("ForEach", ctx, limit, seq == nil, fn == nil)
	return Run(ctx, func(_ context.Context, n *Nursery) error {
		startFeed(n, limit, seq, fn)
		return nil
	})
}

// checkItems panics where an entry point that takes items is misused.
func checkItems(call string, ctx context.Context, limit int, noSeq, noFn bool) {
	switch {
	case ctx == nil:
		panic("nursery: " + call + " with a nil context: pass context.Background() if there is none")
	case noSeq:
		panic("nursery: " + call + " with a nil sequence: pass slices.Values(nil) if there are no items")
	case noFn:
		panic("nursery: " + call + " with a nil function: there is nothing to run")
	case limit < 1:
		panic("nursery: " + call + " with a limit of " + strconv.Itoa(limit) + ": pass how many items may run at a time, 1 or more")
	}
}
