package migratelocals

import (
	"context"
	"io/fs"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error { return nil }

// A function that starts a task.
func local(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	add := func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	add("a")
	add("b")
	return g.Wait()
}

type pkg struct {
	left  atomic.Int32
	preds []*pkg
}

// Tasks that start tasks by a function that is declared in front.
func graph(leaves []*pkg) error {
	var g errgroup.Group // want `this group can be a call of nursery.Config.Run`
	var enqueue func(*pkg)
	enqueue = func(p *pkg) {
		g.Go(func() error {
			for _, pred := range p.preds {
				if pred.left.Add(-1) == 0 {
					enqueue(pred)
				}
			}
			return nil
		})
	}
	for _, leaf := range leaves {
		enqueue(leaf)
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return nil
}

// A function that calls another one that starts tasks.
func calls(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	var add = func(url string) {
		g.Go(func() error { return fetch(ctx, url) })
	}
	all := func() {
		for _, url := range urls {
			add(url)
		}
	}
	all()
	return g.Wait()
}

// Functions that are called where they stand, or by one that does not keep them.
func called(ctx context.Context, root string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	func() {
		defer println("started")
		g.Go(func() error { return fetch(ctx, "a") })
	}()
	walked := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		g.Go(func() error { return fetch(ctx, path) })
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return walked
}

// What is converted in front of Wait is a number.
func number(ctx context.Context) (int, error) {
	var found uint64
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.Go(func() error {
		atomic.AddUint64(&found, 1)
		return fetch(ctx, "a")
	})
	return int(found), g.Wait()
}

// With a limit as well.
func limited(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx) // want `this group can be a call of nursery.Run`
	g.SetLimit(4)
	add := func(url string) { g.Go(func() error { return fetch(ctx, url) }) }
	for _, url := range urls {
		add(url)
	}
	return g.Wait()
}
