package nursery

import "context"

// All calls all fns at once, each in a goroutine of its own, and returns their values
// in the order of the functions when all have ended. The first one that fails cancels the
// others. All then returns no values, and all errors in one [*Error], whose tasks have the
// names of the functions, as described at [Nursery.GoNamed]. What [Run] says about
// cancellations, panics and runtime.Goexit holds here. Without fns there are no values
// and no error.
//
// For functions of different types, use [Spawn]. There is no limit: for many calls of
// one function, use [Map].
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
