package notready

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

func serve(ctx context.Context) error { return nil }

func all(ctx context.Context, n *nursery.Nursery, disabled bool, ch chan int) {
	nursery.Start(ctx, n, "a", func(ctx context.Context, started func(string)) error {
		if disabled {
			return nil // want `the task may return nil here before it has called started, and Start fails then`
		}
		started("ready")
		return nil
	})
	nursery.Start(ctx, n, "b", func(ctx context.Context, _ func(string)) error { // want `the task does not use started`
		return serve(ctx)
	})
	nursery.Start(ctx, n, "c", func(ctx context.Context, started func(int)) error {
		for i := range ch {
			if i > 3 {
				started(i)
				break
			}
		}
		return nil // want `the task may return nil here before it has called started`
	})
}
