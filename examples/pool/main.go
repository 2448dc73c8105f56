// Command pool has four workers that take jobs from a channel. A job that fails ends the
// pool at once, also while nothing is sent.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"

	"github.com/trellis-go/trellis/nursery"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println(run(ctx, 100))
	fmt.Println(run(ctx, 0))
}

// run does jobs until the last one, or until one fails. If last is 0, the jobs never end.
func run(ctx context.Context, last int) (sum int64, err error) {
	var total atomic.Int64
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		jobs := make(chan int)
		n.GoNamed("producer", func(ctx context.Context) error {
			defer close(jobs)
			for i := 1; last == 0 || i <= last; i++ {
				select {
				case jobs <- i:
				case <-ctx.Done(): // the pool has ended
					return ctx.Err()
				}
			}
			return nil
		})
		return nursery.ForEach(ctx, 4, jobs, func(ctx context.Context, job int) error {
			if job > 1000 {
				return errors.New("job too large")
			}
			total.Add(int64(job))
			return nil
		})
	})
	if err != nil {
		return 0, nursery.First(err)
	}
	return total.Load(), nil
}

// Output:
// 5050 <nil>
// 0 job too large
