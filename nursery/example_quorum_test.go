package nursery_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/nursery"
)

// Write to three replicas, and continue when two of them have it: a quorum. A failure
// of one does no harm, and the slowest delays nothing.
func Example_quorum() {
	const enough = 2
	replicas := map[string]func(ctx context.Context) error{
		"amsterdam":  func(ctx context.Context) error { return nil },
		"berlin":     func(ctx context.Context) error { return errors.New("disk full") },
		"copenhagen": func(ctx context.Context) error { return nil },
		"dublin": func(ctx context.Context) error {
			<-ctx.Done() // is not answering
			return ctx.Err()
		},
	}
	write := func(ctx context.Context, names ...string) error {
		acks := make(chan string, len(names))
		failures := nursery.Config{Supervise: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, name := range names {
				n.GoNamed(name, func(ctx context.Context) error {
					if err := replicas[name](ctx); err != nil {
						return err
					}
					if acks <- name; len(acks) >= enough {
						n.Scope().Cancel(nil)
					}
					return nil
				})
			}
			return nil
		})
		if len(acks) >= enough {
			return nil
		}
		return fmt.Errorf("%d of %d replicas: %w", len(acks), len(names), failures)
	}

	fmt.Println(write(context.Background(), "amsterdam", "berlin", "copenhagen"))
	fmt.Println(write(context.Background(), "amsterdam", "copenhagen", "dublin"))
	fmt.Println(write(context.Background(), "amsterdam", "berlin"))
	// Output:
	// <nil>
	// <nil>
	// 1 of 2 replicas: berlin: disk full
}
