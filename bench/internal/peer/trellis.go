package peer

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

// Trellis is package nursery.
var Trellis = Library{"trellis", func(body Body) (func(context.Context) error, func()) {
	in := func(ctx context.Context, n *nursery.Nursery) error {
		body(ctx, nurseryGroup{n})
		return nil
	}
	return func(ctx context.Context) error { return nursery.Run(ctx, in) }, keep
}}

type nurseryGroup struct{ *nursery.Nursery }

func (g nurseryGroup) Go(t *Task) { g.Nursery.Go(t.context) }
