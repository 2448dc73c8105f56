package peer

import (
	"context"
	"errors"
	"sync"
)

// Raw is the go statement with a WaitGroup: no context, and errors get lost.
var Raw = Library{"raw", func(body Body) func(context.Context) error {
	return func(ctx context.Context) error {
		var wg sync.WaitGroup
		body(ctx, rawGroup{&wg})
		wg.Wait()
		return nil
	}
}}

type rawGroup struct{ *sync.WaitGroup }

func (g rawGroup) Go(t *Task) { g.WaitGroup.Go(t.plain) }

// RawErrors is Raw with what users write where the first failure has to cancel the
// other tasks and all errors are wanted.
var RawErrors = Library{"raw", func(body Body) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		g := &rawErrorsGroup{cancel: cancel}
		body(ctx, g)
		g.Wait()
		return errors.Join(g.errs...)
	}
}}

type rawErrorsGroup struct {
	sync.WaitGroup
	cancel context.CancelFunc // set before the tasks start

	mu   sync.Mutex
	errs []error // guarded by mu
}

func (g *rawErrorsGroup) Go(t *Task) {
	g.WaitGroup.Go(func() {
		if err := t.err(); err != nil {
			g.mu.Lock()
			g.errs = append(g.errs, err)
			g.mu.Unlock()
			g.cancel()
		}
	})
}

// rawAhead is how many items wait in the channel. With none, each item would cost a
// switch between goroutines.
const rawAhead = 64

// RawLoop is a channel and limit workers that receive from it. Errors get lost.
var RawLoop = Loop{"raw", func(limit, items int, fn func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		feed := make(chan int, rawAhead)
		var workers sync.WaitGroup
		for range limit {
			workers.Go(func() {
				for item := range feed {
					fn(ctx, item)
				}
			})
		}
		for item := range items {
			feed <- item
		}
		close(feed)
		workers.Wait()
		return nil
	}
}}
