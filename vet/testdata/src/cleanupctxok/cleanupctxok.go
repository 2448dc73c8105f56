package cleanupctxok

import (
	"context"
	"log/slog"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

type lock struct{}

func (*lock) Release(ctx context.Context) error  { return nil }
func (*lock) Forget(ctx context.Context)         {}
func (*lock) Close() error                       { return nil }
func acquire(ctx context.Context) (*lock, error) { return nil, nil }
func observe(ctx context.Context, n int) error   { return nil }

func right(ctx context.Context, l *lock) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) (err error) {
			defer cancelscope.Cleanup(ctx, &err, time.Second, l.Release)
			return nil
		})
		n.Go(func(ctx context.Context) error {
			defer l.Release(context.WithoutCancel(ctx))
			return nil
		})
		n.Go(func(ctx context.Context) error {
			defer func() {
				c, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer cancel()
				l.Release(c)
			}()
			return nil
		})
		n.Go(func(ctx context.Context) error {
			defer func() {
				c := context.WithoutCancel(ctx)
				l.Release(c)
				ctx := context.Background()
				l.Release(ctx)
			}()
			return nil
		})
		n.Go(func(ctx context.Context) error {
			defer func() {
				cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error { return l.Release(ctx) })
			}()
			return nil
		})
		return nil
	})
}

// What has no error to return, or does not give anything back, may not look at the
// context, or may fail.
func harmless(ctx context.Context, l *lock) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer l.Close()
		defer l.Forget(ctx)
		defer observe(ctx, 1)
		defer slog.InfoContext(ctx, "ended")
		return nil
	})
}

// Not deferred: the context is the right one for work.
func inLine(ctx context.Context, l *lock) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		return l.Release(ctx)
	})
}

// A context that no function of Trellis has made, or the one from outside.
func plain(ctx context.Context, l *lock) error {
	defer l.Release(ctx)
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		defer l.Release(ctx)
		return nil
	})
}

// A shield is canceled by its limit only.
func shielded(ctx context.Context) error {
	return cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error {
		l, err := acquire(ctx)
		if err != nil {
			return err
		}
		defer l.Release(ctx)
		return nil
	})
}

// Deferred before the limit begins: the argument is the context from outside.
func before(ctx context.Context, l *lock) (err error) {
	defer l.Release(ctx)
	limited, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	return observe(limited, 1)
}

// The same, with one variable: its value is that of the defer statement.
func beforeInTheSameVariable(ctx context.Context, l *lock) (err error) {
	defer l.Release(ctx)
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	return observe(ctx, 1)
}

// The variable has another context by then, which is not canceled.
func replaced(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			l, err := acquire(ctx)
			if err != nil {
				return err
			}
			ctx = context.WithoutCancel(ctx)
			defer l.Release(ctx)
			return nil
		})
		return nil
	})
}
