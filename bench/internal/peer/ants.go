package peer

import (
	"context"
	"sync"
	"time"

	"github.com/panjf2000/ants/v2"
)

// Ants is a pool of panjf2000/ants that has no limit, with a WaitGroup beside it: no
// context, and errors get lost. A program has one such pool, so it is made
// beforehand.
var Ants = Library{"ants", func(body Body) (func(context.Context) error, func()) {
	pool, release := newAnts()
	return func(ctx context.Context) error {
		g := &antsGroup{pool: pool}
		body(ctx, g)
		g.wg.Wait()
		return nil
	}, release
}}

type antsGroup struct {
	pool *ants.Pool
	wg   sync.WaitGroup
}

func (g *antsGroup) Go(t *Task) {
	g.wg.Add(1)
	must(g.pool.Submit(func() {
		t.plain()
		g.wg.Done()
	}))
}

// AntsErrors is Ants with a context and errors kept by hand, like [RawErrors].
var AntsErrors = Library{"ants", func(body Body) (func(context.Context) error, func()) {
	pool, release := newAnts()
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		g := &antsErrorsGroup{pool: pool, failures: failures{cancel: cancel}}
		body(ctx, g)
		g.wg.Wait()
		return g.joined()
	}, release
}}

type antsErrorsGroup struct {
	pool *ants.Pool
	wg   sync.WaitGroup
	failures
}

func (g *antsErrorsGroup) Go(t *Task) {
	g.wg.Add(1)
	must(g.pool.Submit(func() {
		g.note(t.err())
		g.wg.Done()
	}))
}

// AntsLoop is a pool for one function, with a limit.
var AntsLoop = Loop{"ants", func(limit, items int, fn func(context.Context, int) error) (func(context.Context) error, func()) {
	var (
		current context.Context // of the loop that runs; changes only between loops
		wg      sync.WaitGroup
	)
	pool, err := ants.NewPoolWithFuncGeneric(limit, func(item int) {
		fn(current, item)
		wg.Done()
	})
	must(err)
	return func(ctx context.Context) error {
		current = ctx
		wg.Add(items)
		for item := range items {
			must(pool.Invoke(item))
		}
		wg.Wait()
		return nil
	}, func() { must(pool.ReleaseTimeout(antsRelease)) }
}}

// antsRelease is more than the workers of a pool can need to end.
const antsRelease = time.Minute

func newAnts() (pool *ants.Pool, release func()) {
	pool, err := ants.NewPool(-1) // no limit
	must(err)
	return pool, func() { must(pool.ReleaseTimeout(antsRelease)) }
}

// must is for calls that fail only in programs that are wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
