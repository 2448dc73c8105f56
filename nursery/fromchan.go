package nursery

import (
	"context"
	"iter"
)

// FromChan returns a sequence of what is received from c, which ends when c is closed
// or ctx is done. Which of the two it was, ctx.Err tells; [ForEach] and its relatives
// look at it.
//
// Several goroutines may receive from one channel, and so a fixed number of workers is
// a nursery in which each task ranges over a FromChan of its own, with the context of
// the nursery. In ForEach, where ctx comes from outside, a sequence that waits for the
// channel does not notice that an item has failed: ForEach returns when the next element
// comes, c is closed or ctx is done.
//
// FromChan panics if ctx is nil.
func FromChan[T any](ctx context.Context, c <-chan T) iter.Seq[T] {
	if ctx == nil {
		panic("nursery: FromChan with a nil context: range over the channel itself")
	}
	return func(yield func(T) bool) {
		for ctx.Err() == nil {
			select {
			case v, ok := <-c:
				if !ok || !yield(v) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}
