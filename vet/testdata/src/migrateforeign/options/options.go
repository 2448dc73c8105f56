package options

import (
	"migrateforeign/other"

	"golang.org/x/sync/errgroup"
)

var _ = other.Options{[]*errgroup.Group{new(errgroup.Group)}} // want `errgroup is not replaced in this package: Options has another module's \*errgroup.Group`
