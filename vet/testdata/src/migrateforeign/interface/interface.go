package starter

import (
	"migrateforeign/other"

	"golang.org/x/sync/errgroup"
)

type starter struct{}

func (starter) Start(g *errgroup.Group) {}

var _ = other.Begin(starter{}) // want `errgroup is not replaced in this package: it is passed to or comes from Begin, which has another module's \*errgroup.Group`
