package scopeescape

import (
	"context"

	"scopeescape/keep"

	"github.com/trellis-go/trellis/nursery"
)

type holder struct{ n *nursery.Nursery }

var global *nursery.Nursery

func all(ctx context.Context, h *holder, s *keep.Server, ch chan *nursery.Nursery) error {
	var outer []*holder
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		h.n = n                           // want `the nursery n is stored outside, and may be used after its block has ended`
		global = n                        // want `the nursery n is stored outside`
		outer = append(outer, &holder{n}) // want `the nursery n is stored outside`
		ch <- n                           // want `the nursery n is sent on a channel`
		go func() { n.Running() }()       // want `the nursery n is used by a goroutine that it does not wait for`
		s.Use("x", n)                     // want `the nursery n is passed to Use, which keeps it`
		keep.Through(n, s)                // want `the nursery n is passed to Through, which keeps it`
		return nil
	})
}
