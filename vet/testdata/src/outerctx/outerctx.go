package outerctx

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error         { return nil }
func get(ctx context.Context, url string) (string, error) { return "", nil }

func bodyAndTasks(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			return fetch(ctx, "a") // want `the task uses the outer context ctx in place of the context that it is given`
		})
		n.GoNamed("b", func(task context.Context) error {
			return fetch(inner, "b") // want `the task uses the outer context inner in place of task`
		})
		nursery.Spawn(n, "c", func(task context.Context) (string, error) {
			return get(ctx, "c") // want `the task uses the outer context ctx in place of task`
		})
		n.Background("d", func(_ context.Context) error {
			return fetch(inner, "d") // want `the task uses the outer context inner in place of the context that it is given`
		})
		if err := fetch(inner, "e"); err != nil {
			return err
		}
		return fetch(ctx, "f") // want `the block uses the outer context ctx in place of inner`
	})
}

func mixed(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(task context.Context) error {
			if err := fetch(task, "a"); err != nil {
				return err
			}
			return fetch(ctx, "b") // want `the task uses the outer context ctx in place of task`
		})
		return nil
	})
}

func items(ctx context.Context, urls []string) error {
	out := make([]string, len(urls))
	if err := nursery.ForN(ctx, 4, len(urls), func(_ context.Context, i int) error {
		var err error
		out[i], err = get(ctx, urls[i]) // want `the task uses the outer context ctx`
		return err
	}); err != nil {
		return err
	}
	return nursery.ForEach(ctx, 4, urls, func(c context.Context, url string) error {
		return fetch(ctx, url) // want `the task uses the outer context ctx in place of c`
	})
}

func limits(ctx context.Context) error {
	if err := deadline.FailAfter(ctx, time.Second, func(limited context.Context) error {
		return fetch(ctx, "a") // want `the block uses the outer context ctx in place of limited`
	}); err != nil {
		return err
	}
	if err := cancelscope.Shield(ctx, time.Second, func(shielded context.Context) error {
		return fetch(ctx, "b") // want `the block uses the outer context ctx in place of shielded`
	}); err != nil {
		return err
	}
	var s cancelscope.Scope
	return s.Run(ctx, func(inner context.Context) error {
		return func() error {
			return fetch(ctx, "c") // want `the block uses the outer context ctx in place of inner`
		}()
	})
}

// A limit derived from the outer context is no better.
func derived(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(task context.Context) error {
			c, cancel := context.WithTimeout(ctx, time.Second) // want `the task uses the outer context ctx in place of task`
			defer cancel()
			return fetch(c, "a")
		})
		return nil
	})
}

func nested(ctx context.Context) error {
	return nursery.Run(ctx, func(one context.Context, n *nursery.Nursery) error {
		return deadline.FailAfter(one, time.Second, func(two context.Context) error {
			n.Go(func(task context.Context) error {
				return fetch(ctx, "a") // want `the task uses the outer context ctx in place of task`
			})
			return fetch(one, "b") // want `the block uses the outer context one in place of two`
		})
	})
}

// The function has the signature of a body: its context is that of its nursery.
func body(ctx context.Context, n *nursery.Nursery) error {
	n.Go(func(context.Context) error {
		return fetch(ctx, "a") // want `the task uses the outer context ctx in place of the context that it is given`
	})
	return nil
}

func group(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(gctx, "a") })
	g.Go(func() error {
		return fetch(ctx, "b") // want `the task uses the outer context ctx in place of gctx`
	})
	return g.Wait()
}

func callbacks(ctx context.Context, each func(func(string) error) error) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		return each(func(url string) error {
			return fetch(ctx, url) // want `the block uses the outer context ctx in place of inner`
		})
	})
}
