package causelost

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/nursery"
)

func all(ctx context.Context, ch chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			if ctx.Err() != nil {
				return fmt.Errorf("reading: %v", ctx.Err()) // want `the error only has the text of the cancellation: use %w`
			}
			return fmt.Errorf("reading: %s", context.Cause(ctx)) // want `the error only has the text of the cancellation: use %w`
		})
		n.Go(func(ctx context.Context) error {
			return errors.New("reading: " + ctx.Err().Error()) // want `the error only has the text of the cancellation: use fmt.Errorf and %w`
		})
		select {
		case <-ch:
			return nil
		case <-ctx.Done():
			return errors.New("nothing came") // want `the error does not say that the context is done: wrap context.Cause\(ctx\) with %w`
		}
	})
}
