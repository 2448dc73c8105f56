package deadtimeout

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

func work()                           {}
func fetch(ctx context.Context) error { return nil }

func blocks(ctx context.Context) error {
	if err := deadline.FailAfter(ctx, time.Second, func(context.Context) error { // want `the limit of FailAfter has no effect: its block does not use the context that it is given`
		return fetch(ctx)
	}); err != nil {
		return err
	}
	if _, err := deadline.MoveOnAfter(ctx, time.Second, func(_ context.Context) error { // want `the limit of MoveOnAfter has no effect`
		for {
		}
	}); err != nil {
		return err
	}
	_, err := deadline.Call(ctx, time.Second, func(ctx context.Context) (int, error) { // want `the limit of Call has no effect`
		work()
		return 1, nil
	})
	return err
}

func flat(ctx context.Context) (err error) {
	_, end := deadline.Limit(ctx, time.Second) // want `the limit has no effect: the context that has it is not used`
	defer end(&err)
	work()
	return nil
}

func reassigned(ctx context.Context) (err error) {
	fetch(ctx)
	ctx, end := deadline.Limit(ctx, time.Second) // want `the limit has no effect: the context that has it is not used`
	defer end(&err)
	work()
	return nil
}

func standard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `the limit has no effect: the context that has it is not used`
	defer cancel()
	work()
}
