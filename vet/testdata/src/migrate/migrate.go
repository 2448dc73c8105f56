package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

type page struct{ body string }

func fetch(ctx context.Context, url string) error       { return nil }
func get(ctx context.Context, url string) (page, error) { return page{}, nil }
func work() error                                       { return nil }
func make2(i int) func() error                          { return work }

// A plain loop.
func loop(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	// Each page is a task.
	for _, url := range urls {
		g.Go(func() error {
			return fetch(ctx, url) // of this page
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	return nil
}

// Plain calls, with a context of another name, and results in variables.
func calls(ctx context.Context) (page, page, error) {
	var a, b page
	g, gctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() (err error) {
		a, err = get(gctx, "a")
		return err
	})
	g.Go(func() error {
		var err error
		b, err = get(gctx, "b")
		return err
	})
	return a, b, g.Wait()
}

// Variables that are declared inside and used after Wait are moved out.
func moved(ctx context.Context, urls []string) ([]page, error) {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() error { return fetch(ctx, "first") })
	pages := make([]page, len(urls))
	var mu sync.Mutex
	var client http.Client
	total, local := 0, 1
	var label string = "pages"
	for i, url := range urls {
		i, url := i, url
		g.Go(func() error {
			p, err := get(ctx, url)
			mu.Lock()
			defer mu.Unlock()
			total += local
			pages[i] = p
			return err
		})
	}
	err := g.Wait()
	if err != nil {
		return nil, err
	}
	fmt.Println(total, client, label)
	return pages, nil
}

// Code in front of the first use stays where it is, with its returns.
func front(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	if len(urls) == 0 {
		return errors.New("no pages")
	}
	seen := make(map[string]bool)
	defer clear(seen)

	ch := make(chan string)
	g.Go(func() error {
		defer close(ch)
		for _, url := range urls {
			select {
			case ch <- url:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for url := range ch {
		if seen[url] {
			continue
		}
		seen[url] = true
	}
	return g.Wait()
}

// Groups without a context go on after a failure.
func zero(urls []string) error {
	var g errgroup.Group // want `this group can be a call of nursery.Config.Run, which continues after a failure as the group does`
	for range urls {
		g.Go(work)
	}
	return g.Wait()
}

func zeroWithContext(ctx context.Context, urls []string) {
	g := new(errgroup.Group) // want `this group can be a call of nursery.Config.Run`
	for _, url := range urls {
		g.Go(func() error { return fetch(ctx, url) })
	}
	if err := g.Wait(); err != nil {
		fmt.Println(err)
	}
}

func droppedContext(ctx context.Context) {
	g, _ := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Config.Run`
	g.Go(func() error { return fetch(ctx, "a") })
	g.Wait()
}

func declaredWithOthers(ctx context.Context) int {
	var ( // want `this group can be a call of nursery.Config.Run`
		eg    errgroup.Group // of the pages
		count int
	)
	eg.Go(func() error { count++; return nil })
	_ = eg.Wait()
	return count
}

// Tasks start tasks; functions that are no literals; a name that is taken.
func tasks(ctx context.Context, n int) error {
	eg, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`

	eg.Go(func() error {
		eg.Go(func() error { return fetch(ctx, "b") })
		return fetch(ctx, "a")
	})
	for i := range n {
		eg.Go(make2(i))
	}
	return eg.Wait()
}

// Limits.
func limited(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(10)
	// One after the other where there are few.
	for _, url := range urls {
		url := url
		g.Go(func() error {
			if err := fetch(ctx, url); err != nil {
				return fmt.Errorf(`page
	%s: %w`, url, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return nil
}

func limitedIndex(ctx context.Context, urls []string) ([]page, error) {
	pages := make([]page, len(urls))
	g, gctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForN`
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, url := range urls {
		g.Go(func() (err error) {
			pages[i], err = get(gctx, url)
			return err
		})
	}
	return pages, g.Wait()
}

func limitedCount(ctx context.Context, connections uint) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForN`
	g.SetLimit(int(connections))
	for i := 0; i < 100; i++ {
		g.Go(func() error { return fetch(ctx, fmt.Sprint(i)) })
	}
	return g.Wait()
}

// This one stays.
func tries(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.TryGo(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: TryGo of a nursery asks something else`
	return g.Wait()
}

func limitedSequence(ctx context.Context, urls map[string]bool) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.ForEach`
	g.SetLimit(3)
	for url := range maps.Keys(urls) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	return g.Wait()
}

// Tasks that declare a context of the same name.
func hidden(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() error {
		ctx := context.WithValue(ctx, page{}, 1)
		return fetch(ctx, "a")
	})
	g.Go(func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return fetch(ctx, "b")
	})
	g.Go(func() error {
		var ctx context.Context = context.WithoutCancel(ctx)
		return fetch(ctx, "c")
	})
	return g.Wait()
}

type job struct{ stop func() error }

// In a case, with a method value, in a literal.
func places(ctx context.Context, j *job, mode int) (err error) {
	switch mode {
	case 1:
		g, gctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
		g.Go(j.stop)
		g.Go(func() error { return fetch(gctx, "a") })
		err = g.Wait()
	}
	f := func() error {
		g, gctx := errgroup.WithContext(context.WithoutCancel(ctx)) // want `this group can be a call of nursery.Run`
		for {
			g.Go(func() error { return fetch(gctx, "a") })
			if mode > 2 {
				break
			}
		}
		return errors.Join(g.Wait(), err)
	}
	return f()
}

// Functions in variables: one that stays the same, and others.
func variables(ctx context.Context, fns []func() error) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	loader := func() error { return fetch(ctx, "a") }
	for range 3 {
		g.Go(loader)
	}
	for _, fn := range fns {
		g.Go(fn)
	}
	changing := work
	g.Go(changing)
	changing = loader
	return g.Wait()
}
