package swallow

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func fetch(ctx context.Context) error { return nil }

func all(ctx context.Context, ch chan int) error {
	return deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
		select {
		case <-ch:
		case <-ctx.Done():
			return nil // want `the cancellation becomes success: return context.Cause\(ctx\), or the error`
		}
		if ctx.Err() != nil {
			return nil // want `the cancellation becomes success`
		}
		if context.Cause(ctx) != nil {
			return nil // want `the cancellation becomes success`
		}
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				err := fetch(ctx)
				if errors.Is(err, context.Canceled) || err == context.DeadlineExceeded {
					return nil // want `the cancellation becomes success`
				}
				return err
			})
			<-ctx.Done()
			return nil // want `the cancellation becomes success`
		})
	})
}
