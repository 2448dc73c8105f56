// Command heartbeat holds a lease while it works: a background task renews it, the work is
// canceled if that fails, and the lease is kept until the work has ended.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// A lease stands for a lock in a database.
type lease struct {
	renewals int
	lost     int // the renewal that fails; 0 for none
}

func (l *lease) renew() error {
	if l.renewals++; l.renewals == l.lost {
		return errors.New("lease lost")
	}
	return nil
}

func (l *lease) keep(ctx context.Context) error {
	for {
		if err := l.renew(); err != nil {
			return err // cancels the work
		}
		if err := deadline.Sleep(ctx, 2*time.Millisecond); err != nil {
			fmt.Println("released")
			return err // the work has ended
		}
	}
}

// work takes d, or as long as the lease holds.
func work(ctx context.Context, l *lease, d time.Duration) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Background("heartbeat", l.keep)
		if err := deadline.Sleep(ctx, d); err != nil {
			fmt.Println("the work was canceled")
			return err
		}
		fmt.Println("the work is done")
		return nil
	})
}

func main() {
	fmt.Println(work(context.Background(), &lease{}, 20*time.Millisecond))
	fmt.Println(work(context.Background(), &lease{lost: 3}, time.Hour))
}

// Output:
// the work is done
// released
// <nil>
// the work was canceled
// heartbeat: lease lost
