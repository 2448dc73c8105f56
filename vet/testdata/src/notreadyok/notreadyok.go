package notreadyok

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

func listen(ctx context.Context) (string, error)            { return "", nil }
func serve(ctx context.Context, started func(string)) error { return nil }
func wait(ctx context.Context) error                        { return nil }

func all(ctx context.Context, n *nursery.Nursery, disabled bool) {
	nursery.Start(ctx, n, "a", func(ctx context.Context, started func(string)) error {
		addr, err := listen(ctx)
		if err != nil {
			return err
		}
		started(addr)
		return nil
	})
	nursery.Start(ctx, n, "b", func(ctx context.Context, started func(string)) error {
		return serve(ctx, started)
	})
	nursery.Start(ctx, n, "c", func(ctx context.Context, started func(string)) error {
		defer started("in the end")
		return nil
	})
	nursery.Start(ctx, n, "d", func(ctx context.Context, started func(string)) error {
		if disabled {
			started("")
			return nil
		}
		started("x")
		return wait(ctx)
	})
	nursery.Start(ctx, n, "e", serve)
}
