package nursery

import (
	"context"
	"io"
)

// receiveFrom returns a receive function for the items of a channel. It takes nothing
// once ctx is done, which a select alone might: it chooses at random among what is ready.
func receiveFrom[T any](c <-chan T) func(ctx context.Context) (T, error) {
	return func(ctx context.Context) (v T, err error) {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		select {
		case v, open := <-c:
			if !open {
				return v, io.EOF
			}
			return v, nil
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
