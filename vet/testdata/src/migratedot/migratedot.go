package migratedot

import (
	"context"

	. "golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

func all(ctx context.Context) error {
	g, ctx := WithContext(ctx) // want `this group stays an errgroup: the file imports errgroup with a dot`
	g.Go(func() error { return ctx.Err() })
	return g.Wait()
}
