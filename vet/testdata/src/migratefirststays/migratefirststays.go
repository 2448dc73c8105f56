package migratefirststays

import (
	"context"

	"golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

func fetch(ctx context.Context, url string) error { return nil }

// A cancellation from outside is no failure of a task.

func outside(ctx context.Context) bool {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	return g.Wait() == context.Canceled // want `this comparison of the group's error fails: also with -migrate.first, where the group is canceled from outside: use errors.Is`
}

func outsideSwitch(ctx context.Context) string {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	switch g.Wait() { // want `this comparison of the group's error fails: also with -migrate.first`
	case nil:
		return ""
	case context.DeadlineExceeded:
		return "late"
	}
	return "failed"
}

func outsideTimeout(ctx context.Context) bool {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	err := g.Wait()
	_, ok := err.(interface{ Timeout() bool }) // want `this comparison of the group's error fails: also with -migrate.first`
	return ok
}
