package nursery

import (
	"context"
	"errors"
)

// ErrNoFunctions is returned by [Race] if it is given no functions.
var ErrNoFunctions = errors.New("race without functions")

// errRaceWon is the reason for which the losers of a race are canceled.
var errRaceWon = errors.New("another function has won the race")

// Race calls all fns at once, each in a goroutine of its own, and returns the value of
// the first one that succeeds. The others are canceled then, and Race waits for them:
// when it returns, nothing of it runs. A function that fails does not affect the others.
//
// With a winner the error is nil: those who lost may have failed, which is of no
// interest any more. If all fail, Race returns all errors in one [*Error], whose tasks
// are called by the names of the functions, as described at [Nursery.GoNamed]. If ctx
// is done and nobody wins, that goes on up as described at [Run], and so do panics and
// runtime.Goexit of any of them, winner or not. Without fns there is no winner, and
// Race returns [ErrNoFunctions].
//
// A value that comes too late is dropped. Where it must be closed or undone, such as a
// connection, let fns keep theirs where the caller finds them after the race.
//
// Race panics if ctx or one of fns is nil.
func Race[T any](ctx context.Context, fns ...func(ctx context.Context) (T, error)) (T, error) {
	checkFunctions("Race", ctx, fns)
	var winner T
	if len(fns) == 0 {
		return winner, ErrNoFunctions
	}
	won := false // guarded by the nursery's mu until it has closed, as winner is
	err := Config{Supervise: true}.Run(ctx, func(_ context.Context, n *Nursery) error {
		for _, fn := range fns {
			n.goFor(fn, func(ctx context.Context) error {
				value, err := fn(ctx)
				if err != nil {
					return err
				}
				n.mu.Lock()
				if !won {
					won, winner = true, value
				}
				n.mu.Unlock()
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

// checkFunctions panics where an entry point that takes functions is misused.
func checkFunctions[T any](call string, ctx context.Context, fns []func(ctx context.Context) (T, error)) {
	if ctx == nil {
		panic("nursery: " + call + " with a nil context: pass context.Background() if there is none")
	}
	for _, fn := range fns {
		if fn == nil {
			panic("nursery: " + call + " with a nil function: there is nothing to run")
		}
	}
}

// goFor is like [Nursery.Go] with a task that stands for the function fn.
func (n *Nursery) goFor(fn any, task func(ctx context.Context) error) {
	n.enter(taskShare)
	go n.runFor(who{task: fn}, task)
}
