package nursery

import "context"

// All calls all fns at once, each in a goroutine of its own, and returns their values
// in their order when all have ended. The first that fails cancels the others, and All
// then returns no values, but every error in one [*Error], whose tasks are called by
// the names of the functions, as described at [Nursery.GoNamed]. What is said of [Run]
// about cancellations, panics and runtime.Goexit holds as well. Without fns there are
// no values and no error.
//
// For functions of different types, use [Spawn]. There is no limit: see [Map] for many.
//
// All panics if ctx or one of fns is nil.
func All[T any](ctx context.Context, fns ...func(ctx context.Context) (T, error)) ([]T, error) {
	checkFunctions("All", ctx, fns)
	values := make([]T, len(fns))
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		for i, fn := range fns {
			n.goFor(fn, func(ctx context.Context) (err error) {
				values[i], err = fn(ctx)
				return err
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}
