package migrateloops

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error { return nil }

// Loops that are no ForEach and no ForN.

func otherNumber(ctx context.Context, n int64) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(4)
	for range n {
		g.Go(func() error { return fetch(ctx, "a") })
	}
	return g.Wait()
}

func askedEachTime(ctx context.Context, n func() int) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(4)
	for i := 0; i < n(); i++ {
		g.Go(func() error { return fetch(ctx, string(rune(i))) })
	}
	return g.Wait()
}

func redeclared(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(4)
	for _, url := range urls {
		g.Go(func() error {
			url := url + "/"
			return fetch(ctx, url)
		})
	}
	return g.Wait()
}

// Loops that are.

func onOneLine(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForN`
	g.SetLimit(4)
	for i, url := range urls {
		g.Go(func() error { urls[i] = ""; return fetch(ctx, url) })
	}
	return g.Wait()
}

func limitChangesLater(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(1 + len(urls))
	urls = append(urls, "last")
	for _, url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func comments(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(4)
	// All of them.
	for _, url := range urls { // in their order
		// One of them.
		g.Go(func() error {
			// The page.
			return fetch(ctx, url)
		})
		// Next.
	}
	// The end.
	return g.Wait()
}

// Other code.

type job struct{}

func (job) run() error { return nil }

func taken(ctx context.Context) error {
	g, _ := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Config.Run`
	add := func(task job) {
		g.Go(task.run)
	}
	add(job{})
	return g.Wait()
}

type client struct{}

func (client) total() int { return 1 }

func methodOfSameName(ctx context.Context, c client) int {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() error { return fetch(ctx, "a") })
	total := c.total()
	g.Wait()
	return total
}

func overwritten(ctx context.Context) error {
	var err error
	for range 3 {
		if err = fetch(ctx, "a"); err == io.EOF {
			break
		}
		g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
		g.Go(func() error { return fetch(ctx, "a") })
		err = g.Wait()
		if err != nil {
			return err
		}
		err = fetch(ctx2(), "b")
		if err == io.EOF {
			return nil
		}
	}
	return err
}

func ownMax(ctx context.Context, connections uint) error {
	max := func(a, b float64) float64 { return a + b }
	println(max(1, 2))
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForN`
	g.SetLimit(int(connections))
	for i := range 100 {
		g.Go(func() error { return fetch(ctx, string(rune(i))) })
	}
	return g.Wait()
}

func ctx2() context.Context { return context.Background() }
