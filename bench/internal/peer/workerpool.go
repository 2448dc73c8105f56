package peer

import (
	"context"

	"github.com/gammazero/workerpool"
)

// WorkerpoolLoop is a pool of gammazero/workerpool with a limit, stopped at the end,
// which is how its README waits for the tasks. No context, and errors get lost.
var WorkerpoolLoop = Loop{"workerpool", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		pool := workerpool.New(limit)
		for item := range items {
			must(pool.Do(func() { fn(ctx, item) }))
		}
		pool.StopWait()
		return nil
	}, keep
}}
