package swallowok

import (
	"context"
	"errors"
	"io"

	"github.com/trellis-go/trellis/nursery"
)

func fetch(ctx context.Context) error { return nil }

func all(ctx context.Context, ch chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			select {
			case <-ch:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		n.Go(func(ctx context.Context) error {
			if err := fetch(ctx); errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
				return nil // may be the end of the file
			}
			if ctx.Err() == nil {
				return nil
			}
			return ctx.Err()
		})
		stop := func() error {
			<-ctx.Done()
			return nil
		}
		return stop()
	})
}

// No block of Trellis.
func plain(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
