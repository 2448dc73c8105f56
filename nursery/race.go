package nursery

import (
	"context"
	"errors"

	"github.com/trellis-go/trellis/internal/record"
)

// errRaceWon is the reason for which the losers of a race are canceled.
var errRaceWon = errors.New("another function has won the race")

// Race calls all fns at once, each in a goroutine of its own, and returns the value of
// the first one that succeeds. The others are canceled then, and Race waits for them:
// when it returns, nothing of it runs. A function that fails does not affect the others.
//
// discard is called with every value of a function that succeeded and that Race does not
// return: to close a connection that came too late, for example. It is called before Race
// returns, by several goroutines at a time if several functions come too late, and also
// with the value of the winner if Race panics or exits. A panic or Goexit of discard is
// that of the function whose value it got, and for the winner that of a task called
// "discard". A value beside an error is not discarded. If discard is nil, the values are
// dropped.
//
// With a winner the error is nil, and the errors of the others are dropped. If all
// fail, Race returns all errors in one [*Error], whose tasks have the names of the
// functions, as described at [Nursery.GoNamed]. If ctx is done and no function succeeds,
// the cancellation is returned as described at [Run]. Panics and runtime.Goexit of any of
// the functions propagate as described there, with or without a winner.
//
// Race panics if ctx or one of fns is nil, or if there are no fns.
func Race[T any](ctx context.Context, discard func(T), fns ...func(ctx context.Context) (T, error)) (T, error) {
	checkFunctions("Race", ctx, fns)
	if len(fns) == 0 {
		panic("nursery: Race without functions: there is nothing to run")
	}
	if discard == nil {
		discard = func(T) {}
	}
	var winner T
	won, returned := false, false // won and winner are guarded by the nursery's mu until it has closed
	defer func() {
		if won && !returned {
			discardLate(discard, winner, recover())
		}
	}()
	err := Config{Supervise: true}.Run(ctx, func(_ context.Context, n *Nursery) error {
		for _, fn := range fns {
			n.goFor(fn, func(ctx context.Context) error {
				value, err := fn(ctx)
				if err != nil {
					return err
				}
				n.mu.Lock()
				late := won
				if !late {
					won, winner = true, value
				}
				n.mu.Unlock()
				if late {
					discard(value)
					return nil
				}
				n.scope.Cancel(errRaceWon)
				return nil
			})
		}
		return nil
	})
	returned = true
	if won {
		return winner, nil
	}
	return winner, err
}

// discardLate discards the value of the winner of a race that ends in a panic, with the
// value raised, or in an exit if that is nil. If discard panics, that is another panic of
// the race.
func discardLate[T any](discard func(T), winner T, raised any) {
	err := Config{Panics: ConvertPanics}.Run(context.Background(), func(_ context.Context, n *Nursery) error {
		n.GoNamed("discard", func(context.Context) error {
			discard(winner)
			return nil
		})
		return nil
	})
	var late *PanicError
	errors.As(err, &late)
	switch first, ok := raised.(*PanicError); {
	case raised == nil && late != nil: // a panic is worse than an exit
		panic(late)
	case ok && late != nil:
		p := *first
		p.others = append(p.others[:len(p.others):len(p.others)], late)
		panic(&p)
	case raised != nil:
		panic(raised)
	}
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
	l := label{task: fn}
	go n.runFor(n.inNode(record.Task, l), l, task)
}
