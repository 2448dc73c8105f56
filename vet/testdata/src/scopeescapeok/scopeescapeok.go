package scopeescapeok

import (
	"context"

	"scopeescape/keep"

	"github.com/trellis-go/trellis/nursery"
)

type holder struct{ n *nursery.Nursery }

func add(n *nursery.Nursery) { n.Go(func(ctx context.Context) error { return nil }) }

func all(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		inside := &holder{n}
		var same *nursery.Nursery
		same = n
		add(same)
		add(n)
		keep.Borrow(n)
		n.Go(func(ctx context.Context) error { inside.n.Running(); add(n); return nil })
		return nil
	})
}

// Functions of Trellis may keep the nursery.
func library(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		task := nursery.Spawn(n, "one", func(ctx context.Context) (int, error) { return 1, nil })
		_, err := task.Wait(ctx)
		return err
	})
}
