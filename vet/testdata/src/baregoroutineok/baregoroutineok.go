package baregoroutineok

import (
	"context"

	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/nursery"
)

type group struct{}

func (group) Go(f func()) {}

func start(ctx context.Context) error {
	var other group
	other.Go(func() {})
	go println("x") //trellisvet:ignore baregoroutine it ends at once
	var g errgroup.Group
	g.Go(func() error { return nil })
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return nil })
		return g.Wait()
	})
}
