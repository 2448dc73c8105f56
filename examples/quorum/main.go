// Command quorum writes to five replicas, and is content when three have answered. The
// others are canceled then; and if three cannot answer any more, the write has failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

var errNoQuorum = errors.New("no quorum")

// write returns nil when quorum replicas have answered.
func write(ctx context.Context, quorum int, replicas ...func(ctx context.Context) error) error {
	answers := 0
	ask := func(ctx context.Context, replica func(context.Context) error) (answered bool, err error) {
		err = replica(ctx)
		if err != nil && ctx.Err() == nil {
			fmt.Println("a replica failed:", err)
			return false, nil // which is no reason to give up the others
		}
		return err == nil, err
	}
	for answered, err := range nursery.MapUnordered(ctx, nursery.NoLimit, replicas, ask) {
		if err != nil {
			return err
		}
		if answered {
			answers++
		}
		if answers == quorum {
			return nil // cancels the others, and waits for them
		}
	}
	return errNoQuorum
}

// answers is a replica that answers after d.
func answers(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return deadline.Sleep(ctx, d) }
}

func broken(context.Context) error { return errors.New("disk full") }

func main() {
	start := time.Now()
	err := write(context.Background(), 3, answers(0), answers(1), answers(2), answers(time.Hour), answers(time.Hour))
	fmt.Println("three of five:", err, time.Since(start) < time.Minute)

	err = write(context.Background(), 3, answers(0), answers(1), broken)
	fmt.Println("two of three:", err)
}

// Output:
// three of five: <nil> true
// a replica failed: disk full
// two of three: no quorum
