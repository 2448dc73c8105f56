package peer

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// SemaphoreLoop is the go statement behind x/sync/semaphore, which is acquired as a
// whole to wait for the last tasks. Errors get lost.
var SemaphoreLoop = Loop{"semaphore", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		all := int64(limit)
		s := semaphore.NewWeighted(all)
		for item := range items {
			if err := s.Acquire(ctx, 1); err != nil {
				break
			}
			go func() {
				defer s.Release(1)
				fn(ctx, item)
			}()
		}
		return s.Acquire(ctx, all)
	}, keep
}}
