package migratefirst

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error { return nil }

func compared(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() error { return fetch(ctx, "a") })
	if err := g.Wait(); err != io.EOF {
		return err
	}
	return nil
}

func dropped() {
	var g errgroup.Group // want `this group can be a call of nursery.Config.Run`
	g.Go(func() error { return nil })
	g.Wait()
}

func zero() error {
	var g errgroup.Group // want `this group can be a call of nursery.Config.Run`
	g.Go(func() error { return nil })
	if err := g.Wait(); err != nil {
		return err
	}
	return nil
}

func limited(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(3)
	for _, url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}
