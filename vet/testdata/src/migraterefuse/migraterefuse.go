package migraterefuse

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

func fetch(ctx context.Context, url string) error { return nil }
func start(g *errgroup.Group)                     {}

type server struct{ g *errgroup.Group }

func passed(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	start(g) // want `this group stays an errgroup: it is passed to a function, stored or returned`
	return g.Wait()
}

func stored(ctx context.Context, s *server) {
	s.g, _ = errgroup.WithContext(ctx)
	s.g.Go(func() error { return nil })
}

func captured(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) }) // want `this group stays an errgroup: a function literal that is no task starts tasks`
	}
	add("a")
	return g.Wait()
}

func early(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		if url == "" {
			return errors.New("empty") // want `this group stays an errgroup: a return between the first task and Wait leaves goroutines behind`
		}
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func deferred(ctx context.Context, f io.Closer) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	defer f.Close() // want `this group stays an errgroup: a deferred call between the first task and Wait would run before the tasks have ended`
	return g.Wait()
}

func leaves(ctx context.Context, groups [][]string) error {
	for _, urls := range groups {
		g, ctx := errgroup.WithContext(ctx)
		for _, url := range urls {
			g.Go(func() error { return fetch(ctx, url) })
		}
		if len(urls) == 3 {
			continue // want `this group stays an errgroup: a continue leaves the code between the first task and Wait`
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func usedAfter(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	if err := g.Wait(); err != nil {
		return err
	}
	return fetch(ctx, "b") // want `this group stays an errgroup: ctx is used after Wait, when it is canceled`
}

func twice(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	g.Wait()
	return g.Wait() // want `this group stays an errgroup: Wait is called more than once`
}

func elsewhere(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	errs := make(chan error)
	g.Go(func() error { return fetch(ctx, "a") })
	go func() { errs <- g.Wait() }() // want `this group stays an errgroup: Wait is called in a function literal`
	return <-errs
}

func nestedWait(ctx context.Context, wait bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	if wait {
		return g.Wait() // want `this group stays an errgroup: Wait is called in another block than the one where the group is made`
	}
	return nil
}

func tries(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.TryGo(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: TryGo of a nursery asks something else`
	return g.Wait()
}

func compares(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(gctx, "a") })
	err := g.Wait()
	if err == io.EOF { // want `after a change to nursery.Run this comparison of the group's error fails: use errors.Is or errors.As`
		return nil
	}
	if _, ok := err.(interface{ Timeout() bool }); ok { // want `after a change to nursery.Run this comparison of the group's error fails`
		return nil
	}
	switch err { // want `after a change to nursery.Run this comparison of the group's error fails`
	case io.ErrUnexpectedEOF:
	}
	err = fetch(ctx, "b")
	if err == io.EOF {
		return nil
	}
	return err
}

// Limits that ForEach does not take over.

func limitUnknown(ctx context.Context, limit int, urls []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(limit) // want `this group stays an errgroup: its limit may be below 1, and then ForEach panics`
	for _, url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func limitMore(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for _, url := range urls {
		if url == "" { // want `this group stays an errgroup: it has a limit, and its loop does more than start tasks`
			continue
		}
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func limitCalls(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	g.Go(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: it has a limit, and more than one statement between`
	g.Go(func() error { return fetch(ctx, "b") })
	return g.Wait()
}

func limitMap(ctx context.Context, urls map[string]bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for url := range urls { // want `this group stays an errgroup: it has a limit, and ranges over a map: use ForEach with maps.Keys`
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func limitChannel(ctx context.Context, urls chan string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for url := range urls { // want `this group stays an errgroup: it has a limit, and ranges over a channel`
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

func limitChanges(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	g.Go(func() error { return fetch(ctx, "a") })
	g.SetLimit(-1) // want `this group stays an errgroup: its limit changes`
	return g.Wait()
}
