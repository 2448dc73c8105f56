package peer

import (
	"context"
	"errors"
	"sync"
)

// Raw is the go statement with a WaitGroup: no context, and errors get lost.
var Raw = Library{"raw", func(body Body) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		var wg sync.WaitGroup
		body(ctx, rawGroup{&wg})
		wg.Wait()
		return nil
	}, keep
}}

type rawGroup struct{ *sync.WaitGroup }

func (g rawGroup) Go(t *Task) { g.WaitGroup.Go(t.plain) }

// RawErrors is Raw with what users write where the first failure has to end the rest
// and all errors are wanted.
var RawErrors = Library{"raw", func(body Body) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		g := &rawErrorsGroup{failures: failures{cancel: cancel}}
		body(ctx, g)
		g.Wait()
		return g.joined()
	}, keep
}}

type rawErrorsGroup struct {
	sync.WaitGroup
	failures
}

func (g *rawErrorsGroup) Go(t *Task) {
	g.WaitGroup.Go(func() { g.note(t.err()) })
}

// failures are errors kept by hand. The zero value is ready once cancel is set.
type failures struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	errs   []error // guarded by mu
}

func (f *failures) note(err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	f.errs = append(f.errs, err)
	f.mu.Unlock()
	f.cancel()
}

// joined is for when all tasks have ended.
func (f *failures) joined() error { return errors.Join(f.errs...) }

// rawAhead is how many items wait in the channel. With none, each item would cost a
// switch between goroutines.
const rawAhead = 64

// RawLoop is a channel and limit workers that receive from it.
var RawLoop = Loop{"raw", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		rawLoop(limit, items, func(item int) { fn(ctx, item) })
		return nil
	}, keep
}}

// RawMapper is RawLoop with workers that write the elements of the results.
var RawMapper = Mapper{"raw", func(limit, items int, fn func(context.Context, int) (int, error)) (func(context.Context) ([]int, error), func()) {
	return func(ctx context.Context) ([]int, error) {
		results := make([]int, items)
		rawLoop(limit, items, func(item int) { results[item], _ = fn(ctx, item) })
		return results, nil
	}, keep
}}

func rawLoop(limit, items int, fn func(item int)) {
	feed := make(chan int, rawAhead)
	var workers sync.WaitGroup
	for range limit {
		workers.Go(func() {
			for item := range feed {
				fn(item)
			}
		})
	}
	for item := range items {
		feed <- item
	}
	close(feed)
	workers.Wait()
}
