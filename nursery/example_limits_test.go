package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/nursery"
)

// Change, while a server runs, how many requests it works on at a time. The semaphore is
// as large as the limit may ever become, and the code that sets the limit holds the rest.
func ExampleRun_changingLimit() {
	const most = 100
	tokens := semaphore.NewWeighted(most)
	limit := int64(most)
	setLimit := func(ctx context.Context, n int64) error { // for one caller at a time
		if n < limit { // waits for tokens to come back, and takes none away
			if err := tokens.Acquire(ctx, limit-n); err != nil {
				return err
			}
		} else {
			tokens.Release(n - limit)
		}
		limit = n
		return nil
	}

	var working atomic.Int64 // a semaphore keeps no count
	for _, next := range []int64{1, 10, 3} {
		if err := setLimit(context.Background(), next); err != nil {
			fmt.Println(err)
			return
		}
		var over atomic.Bool
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			for range 50 {
				if err := tokens.Acquire(ctx, 1); err != nil { // before the task is started: what waits has no goroutine
					return err
				}
				n.Go(func(ctx context.Context) error {
					defer tokens.Release(1)
					if working.Add(1) > next {
						over.Store(true)
					}
					working.Add(-1)
					return nil
				})
			}
			return nil
		})
		fmt.Printf("limit %d, exceeded: %v, %v\n", next, over.Load(), err)
	}
	// Output:
	// limit 1, exceeded: false, <nil>
	// limit 10, exceeded: false, <nil>
	// limit 3, exceeded: false, <nil>
}

// Turn requests away at once when there are as many as can be worked on, instead of
// letting them wait.
func ExampleRun_overload() {
	errBusy := errors.New("too many requests")
	tokens := semaphore.NewWeighted(2)
	err := nursery.Config{Supervise: true}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		done := make(chan struct{})
		defer close(done)
		for i := range 4 { // requests that come in
			if !tokens.TryAcquire(1) { // before the task is started, so that it costs nothing
				fmt.Printf("request %d: %v\n", i, errBusy)
				continue
			}
			n.Go(func(ctx context.Context) error {
				defer tokens.Release(1)
				<-done // takes a while
				return nil
			})
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// request 2: too many requests
	// request 3: too many requests
	// <nil>
}
