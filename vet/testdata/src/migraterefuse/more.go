package migraterefuse

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup" // want `errgroup of Trellis has the same API`
)

// Comparisons that see the group's error.

func amongOthers(ctx context.Context) (int, bool) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	n, err := 1, g.Wait()
	return n, err == io.EOF // want `after a change to nursery.Run this comparison of the group's error fails`
}

func overwrittenAtTimes(ctx context.Context) bool {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(gctx, "a") })
	err := g.Wait()
	if err == nil {
		err = fetch(ctx, "b")
	}
	return err == io.EOF // want `after a change to nursery.Run this comparison of the group's error fails`
}

func deferredComparison(ctx context.Context) (n int, err error) {
	defer func() {
		if err == io.EOF { // want `after a change to nursery.Run this comparison of the group's error fails`
			err = nil
		}
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	return n, g.Wait()
}

func deferredByVariable(ctx context.Context) (err error) {
	defer func() {
		if os.IsNotExist(err) { // want `after a change to nursery.Run this comparison of the group's error fails`
			err = nil
		}
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	failed := g.Wait()
	return failed
}

func copied(ctx context.Context) (err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	if failed := g.Wait(); failed != nil {
		err = failed
	}
	if err == io.EOF { // want `after a change to nursery.Run this comparison of the group's error fails`
		return nil
	}
	return err
}

func copiedLate(ctx context.Context) bool {
	var last error
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	err := g.Wait()
	last = err
	err = fetch(context.Background(), "b")
	return err == io.EOF || last == io.EOF // want `after a change to nursery.Run this comparison of the group's error fails`
}

func nextTurn(ctx context.Context) {
	var err error
	for err != io.EOF { // want `after a change to nursery.Run this comparison of the group's error fails`
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return fetch(ctx, "a") })
		err = g.Wait()
	}
}

// What would mean something else in the body of a nursery, or in front of it.

func recovers(ctx context.Context) {
	defer func() {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return fetch(ctx, "a") })
		println(recover()) // want `this group stays an errgroup: recover between the first task and Wait would find no panic in the body of a nursery`
		g.Wait()
	}()
}

func localType(ctx context.Context) int {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: out is used after Wait, and its type cannot be written here`
	type page struct{ n int }
	out := make([]page, 3)
	g.Wait()
	return len(out)
}

func hidesContext(ctx context.Context) error {
	{
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() error { return fetch(gctx, "a") }) // want `this group stays an errgroup: ctx is used after Wait, and is also another variable that the group's context is made from`
		ctx := context.WithoutCancel(gctx)
		if err := g.Wait(); err != nil {
			return err
		}
		return fetch(ctx, "b")
	}
}

func hidesGlobal(ctx context.Context) int {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") }) // want `this group stays an errgroup: total is used after Wait, and is also another variable in front of it`
	println(total)
	total := 1
	g.Wait()
	return total
}

var total = 2

type holder struct{ ctx context.Context }

func fieldChanges(h *holder) error {
	g, ctx := errgroup.WithContext(h.ctx) // want `this group stays an errgroup: ctx changes between the group's creation and its first use`
	h.ctx = context.Background()
	g.Go(func() error { return fetch(ctx, "a") })
	return g.Wait()
}

func contextChanges(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx) // want `this group stays an errgroup: ctx changes between the group's creation and its first use`
	ctx = context.WithoutCancel(ctx)
	g.Go(func() error { return fetch(gctx, "a") })
	return g.Wait()
}
