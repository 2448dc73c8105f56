package cleanupctx

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"golang.org/x/sync/errgroup"
)

type lock struct{}

func (*lock) Release(ctx context.Context) error              { return nil }
func (*lock) Unlock(ctx context.Context) error               { return nil }
func acquire(ctx context.Context) (*lock, error)             { return nil, nil }
func deleteTemporary(ctx context.Context, name string) error { return nil }
func rollback(ctx context.Context) (bool, error)             { return false, nil }

func task(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			l, err := acquire(ctx)
			if err != nil {
				return err
			}
			defer l.Release(ctx) // want `Release is deferred with ctx, which is canceled by then if the block was: use cancelscope.Cleanup`
			return nil
		})
		defer deleteTemporary(ctx, "x") // want `deleteTemporary is deferred with ctx`
		return nil
	})
}

func literal(ctx context.Context) error {
	return deadline.FailAfter(ctx, time.Second, func(limited context.Context) error {
		defer func() {
			if _, err := rollback(limited); err != nil { // want `rollback is deferred with limited`
				println(err)
			}
		}()
		return nil
	})
}

// A limit of its own does not help: its parent is canceled.
func derived(ctx context.Context, items []string) error {
	return nursery.ForEach(ctx, 3, items, func(ctx context.Context, item string) error {
		l, err := acquire(ctx)
		if err != nil {
			return err
		}
		defer func() {
			c, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			l.Unlock(c) // want `Unlock is deferred with c`
		}()
		return nil
	})
}

func group(ctx context.Context, l *lock) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer l.Release(gctx) // want `Release is deferred with gctx`
		return nil
	})
	return g.Wait()
}

func flat(ctx context.Context, l *lock) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	defer l.Release(ctx) // want `Release is deferred with ctx`
	return nil
}

// Another context in the variable that is canceled as well.
func narrowed(ctx context.Context, l *lock) error {
	return deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, lock{}, 1)
		defer l.Release(ctx) // want `Release is deferred with ctx`
		return nil
	})
}
