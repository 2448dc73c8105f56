package main

import (
	"context"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// handle gives each request a child of the nursery. That is all it takes: a
// handler that was started a moment ago belongs to the group as much as the
// producer does, its error ends the group, and comes out of it with its name.
func (g *group) handle(ctx context.Context) error {
	return g.run(ctx, func(n *nursery.Nursery, r request, release func()) {
		n.GoNamed(r.String(), func(ctx context.Context) error {
			_, err := g.work(ctx, r, release)
			g.ledger.end(r, g.judge(ctx, r, err))
			return err
		})
	})
}

// judge tells a handler that was interrupted from one that failed. Only under
// the handler's own context can the two be told apart.
func (g *group) judge(ctx context.Context, r request, err error) outcome {
	switch {
	case err == nil:
		return handled
	case cancelscope.IsCancellation(ctx, err):
		return canceled
	default:
		g.story.say("%v fails: %v", r, err)
		return failed
	}
}
