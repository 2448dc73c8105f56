package migraterefuse

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

func fetch(ctx context.Context, url string) error { return nil }
func start(g *errgroup.Group)                     {}
func each(f func(url string))                     {}

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

// Functions that start tasks, and may do so after Wait.

func captured(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	each(func(url string) {
		g.Go(func() error { return fetch(ctx, url) }) // want `this group stays an errgroup: a function literal that is no task starts tasks`
	})
	return g.Wait()
}

func goneOn(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	go func() {
		g.Go(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: a function literal that is no task starts tasks`
	}()
	return g.Wait()
}

var keep func(string)

func keptOutside(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	keep = func(url string) {
		g.Go(func() error { return fetch(ctx, url) }) // want `this group stays an errgroup: a function literal that is no task starts tasks`
	}
	return g.Wait()
}

func keptInFront(ctx context.Context, urls []string) error {
	var add func(string)
	for _, url := range urls {
		if add != nil {
			add(url)
		}
		g, ctx := errgroup.WithContext(ctx)
		add = func(url string) {
			g.Go(func() error { return fetch(ctx, url) }) // want `this group stays an errgroup: a function literal that is no task starts tasks`
		}
		g.Wait()
	}
	return nil
}

func passedOn(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	each(add) // want `this group stays an errgroup: add starts tasks, and is passed to a function, stored or returned`
	return g.Wait()
}

func inGoroutine(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	go add("a") // want `this group stays an errgroup: add starts tasks, and is called by a function or goroutine that is no task`
	return g.Wait()
}

func inAnother(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	each(func(url string) {
		add(url) // want `this group stays an errgroup: add starts tasks, and is called by a function or goroutine that is no task`
	})
	return g.Wait()
}

func afterwards(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	err := g.Wait()
	add("a") // want `this group stays an errgroup: add starts tasks, and is called after Wait`
	return err
}

func inFor(ctx context.Context, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	for ; n > 0; g.Go(func() error { return fetch(ctx, "a") }) { // want `this group stays an errgroup: Go is called in a part of another statement`
		n--
	}
	return g.Wait()
}

func jumps(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx)
	if len(urls) == 0 {
		goto next // want `this group stays an errgroup: there are labels between the first task and Wait, and a goto`
	}
	g.Go(func() error { return fetch(ctx, "a") })
next:
	for range urls {
		continue next
	}
	return g.Wait()
}

func outerLabel(ctx context.Context, groups [][]string) error {
next:
	for _, urls := range groups {
		g, ctx := errgroup.WithContext(ctx)
		for _, url := range urls {
			if url == "" {
				continue next // want `this group stays an errgroup: a continue leaves the code between the first task and Wait`
			}
			g.Go(func() error { return fetch(ctx, url) })
		}
		g.Wait()
	}
	return nil
}

func numberOfCall(ctx context.Context, n func() int) (int, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	return int(n()), g.Wait() // want `this group stays an errgroup: Wait is called in a part of a statement that cannot be moved in front of the tasks`
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

func limitFromContext(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(ctx.Value("limit").(int)) // want `this group stays an errgroup: its limit is made from its context`
	g.Go(func() error { return fetch(ctx, "a") })
	return g.Wait()
}

func limitChanges(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	g.Go(func() error { return fetch(ctx, "a") })
	g.SetLimit(-1) // want `this group stays an errgroup: its limit changes`
	return g.Wait()
}
