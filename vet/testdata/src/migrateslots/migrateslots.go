package migrateslots

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error { return nil }
func work() error                                 { return nil }
func make2(i int) func() error                    { return work }

// Without a context the other tasks go on after a failure, so it is no ForEach.
func noContext(ctx context.Context, urls []string) error {
	g, _ := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Config.Run`
	g.SetLimit(2)                     // two at a time
	for range urls {
		g.Go(func() error { return work() })
	}
	return g.Wait()
}

// The loop does more than start tasks.
func more(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)/2))
	for _, url := range urls {
		if url == "" {
			continue
		}
		g.Go(func() error { // of this page
			return fetch(ctx, url)
		})
	}
	return g.Wait()
}

// Tasks of different kinds, and a name that is taken.
func kinds(ctx context.Context, connections uint, slots []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	readers := int(connections)
	g.SetLimit(1 + readers) // one for the writer
	ch := make(chan string, readers)
	g.Go(func() error {
		for url := range ch {
			if err := fetch(ctx, url); err != nil {
				return err
			}
		}
		return nil
	})
urls:
	for i := range slots {
		switch slots[i] {
		case "":
			break urls
		case "work":
			g.Go(work)
			continue urls
		}
		g.Go(make2(i))
	}
	close(ch)
	return g.Wait()
}

// A negative limit is none.
func unknown(ctx context.Context, limit int, urls map[string]bool) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(limit)
	for url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func unknownLoop(ctx context.Context, jobs int, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(jobs)
	for _, url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func changing(ctx context.Context, urls chan string) error {
	jobs := len(urls)
	jobs--
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(jobs)
	for url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func none(ctx context.Context, urls map[string]bool, list []string) error {
	g, gctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(-1)
	for url := range urls {
		g.Go(func() error { return fetch(gctx, url) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	h, hctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	h.SetLimit(-1)
	for _, url := range list {
		h.Go(func() error { return fetch(hctx, url) })
	}
	return h.Wait()
}

// A task that starts a task waits for a place, as in the group.
func nested(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(len(urls))
	g.Go(func() error {
		for _, url := range urls {
			g.Go(func() error { return fetch(ctx, url) })
		}
		return nil
	})
	return g.Wait()
}

// Two in one function.
func two(ctx context.Context, jobs int, urls map[string]bool) error {
	g, gctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(jobs)
	for url := range urls {
		g.Go(func() error { return fetch(gctx, url) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	h, hctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	h.SetLimit(jobs)
	for url := range urls {
		h.Go(func() error { return fetch(hctx, url) })
	}
	return h.Wait()
}
