// Command retry tries an operation again, with longer and longer pauses, for as long as
// that can help: after a real error and after the timeout of one attempt, but not when the
// whole has been canceled.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// Retry calls f until it succeeds, ctx is done, or attempts are used up.
func Retry(ctx context.Context, attempts int, limit time.Duration, f func(ctx context.Context) error) error {
	pause := time.Millisecond
	for i := 1; ; i++ {
		err := deadline.FailAfter(ctx, limit, f)
		if err == nil || i == attempts || cancelscope.IsCancellation(ctx, err) {
			return err
		}
		fmt.Printf("attempt %d: %v\n", i, err)
		if err := deadline.Sleep(ctx, pause+rand.N(pause)); err != nil {
			return err
		}
		pause *= 2
	}
}

func main() {
	calls := 0
	flaky := func(ctx context.Context) error {
		switch calls++; calls {
		case 1:
			return errors.New("connection reset")
		case 2:
			return deadline.Sleep(ctx, time.Hour) // takes too long
		}
		return nil
	}
	fmt.Println(Retry(context.Background(), 5, 20*time.Millisecond, flaky))

	ctx, cancel := context.WithCancel(context.Background())
	hopeless := func(ctx context.Context) error {
		cancel() // the user has left
		return ctx.Err()
	}
	fmt.Println(Retry(ctx, 5, time.Second, hopeless))
}

// Output:
// attempt 1: connection reset
// attempt 2: too slow: limit of 20ms exceeded
// <nil>
// context canceled
