package causelostok

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/nursery"
)

func all(ctx context.Context, ch chan int, format string) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return fmt.Errorf("reading: %w", ctx.Err())
		})
		n.Go(func(ctx context.Context) error {
			return fmt.Errorf(format, ctx.Err())
		})
		n.Go(func(ctx context.Context) error {
			select {
			case <-ch:
				return errors.New("came too early")
			case <-ctx.Done():
				return errors.Join(errors.New("nothing came"), context.Cause(ctx))
			}
		})
		select {
		case <-ch:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("nothing came: %w", context.Cause(ctx))
		}
	})
}

// No block of Trellis.
func plain(ctx context.Context) error {
	return fmt.Errorf("reading: %v", ctx.Err())
}
