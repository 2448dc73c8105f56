package nursery

import (
	"errors"

	"go.temporal.io/sdk/workflow"
)

// errRaceWon is the reason for which the losers of a race are canceled.
var errRaceWon = errors.New("another function has won the race")

// Race calls all fns at once, each in a coroutine of its own, and returns the value of the first
// one that succeeds. The others are canceled then, and Race waits for them: when it returns,
// nothing of it runs. A function that fails does not affect the others.
//
// discard is called with every successful value that Race does not return, before Race returns,
// in the coroutine of the function that returned it, so that it can be undone; it must not block.
// A nil discard drops those values.
//
// With a winner the error is nil. If all fail, Race returns all errors in one [*Error]. If ctx is
// canceled and no function wins, Race returns the cancellation as [Run] does.
//
// Race panics if ctx or one of fns is nil, or if there are none.
func Race[T any](ctx workflow.Context, discard func(T), fns ...func(ctx workflow.Context) (T, error)) (T, error) {
	checkFunctions("Race", ctx, fns)
	if len(fns) == 0 {
		panic("nursery: Race without functions: there is nothing that could win")
	}
	var winner T
	won := false
	err := Config{Supervise: true}.Run(ctx, func(_ workflow.Context, n *Nursery) error {
		for _, fn := range fns {
			_ = n.tryFor(label{task: fn}, func(ctx workflow.Context) error {
				value, err := fn(ctx)
				switch {
				case err != nil:
					return err
				case won:
					if discard != nil {
						discard(value)
					}
				default:
					won, winner = true, value
				}
				n.scope.Cancel(errRaceWon)
				return nil
			})
		}
		return nil
	})
	if won {
		return winner, nil
	}
	return winner, err
}

// All calls all fns at once, each in a coroutine of its own, and returns their values in their
// order when all have ended. The first that fails cancels the others, and All then returns no
// values, but every error in one [*Error]. Without fns there are no values and no error.
//
// For functions of different types, use [Spawn]. There is no limit: see [Map] for many.
//
// All panics if ctx or one of fns is nil.
func All[T any](ctx workflow.Context, fns ...func(ctx workflow.Context) (T, error)) ([]T, error) {
	checkFunctions("All", ctx, fns)
	values := make([]T, len(fns))
	err := Run(ctx, func(_ workflow.Context, n *Nursery) error {
		for i, fn := range fns {
			_ = n.tryFor(label{task: fn}, func(ctx workflow.Context) (err error) {
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

// checkFunctions panics where an entry point that takes functions is misused.
func checkFunctions[T any](call string, ctx workflow.Context, fns []func(ctx workflow.Context) (T, error)) {
	if ctx == nil {
		panic("nursery: " + call + " with a nil context: pass the one of the workflow or task")
	}
	for _, fn := range fns {
		if fn == nil {
			panic("nursery: " + call + " with a nil function: there is nothing to run")
		}
	}
}
