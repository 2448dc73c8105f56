package callback

import (
	"migrateforeign/other"

	"golang.org/x/sync/errgroup"
)

func all() error {
	return other.With(func(g *errgroup.Group) error { return nil }) // want `errgroup is not replaced in this package: it is passed to or comes from With, which has another module's \*errgroup.Group`
}
