package migrategenerated

import (
	"context"

	"golang.org/x/sync/errgroup" // want `errgroup is not replaced in this package: generated.go imports it, and is generated or uses cgo`
)

func all(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	start(ctx, g) // want `this group stays an errgroup: it is passed to a function`
	return g.Wait()
}
