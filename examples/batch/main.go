// Command batch collects items into batches: one is written when it is full, or after some
// time. What is left at the end is written as well, although
// the context is canceled by then.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

const size, patience = 3, time.Second

// collect writes batches of what it receives until ctx is done.
func collect(ctx context.Context, items *memchan.Receiver[int]) (err error) {
	var batch []int
	defer cancelscope.Cleanup(ctx, &err, time.Second, func(ctx context.Context) error { return write(ctx, batch) })
	for {
		batch = nil
		_, err := deadline.MoveOnAfter(ctx, patience, func(ctx context.Context) error {
			for len(batch) < size {
				item, err := items.Receive(ctx)
				if err != nil {
					return err
				}
				batch = append(batch, item)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := write(ctx, batch); err != nil {
			return err
		}
	}
}

func write(ctx context.Context, batch []int) error {
	fmt.Println(batch, ctx.Err())
	return nil
}

func main() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		s, r := memchan.Open[int](0)
		n.Background("collect", func(ctx context.Context) error { return collect(ctx, r) })
		for i := range 8 {
			if err := s.Send(ctx, i); err != nil {
				return err
			}
		}
		return nil // the background task is canceled, and writes the rest
	})
	fmt.Println(err)
}

// Output:
// [0 1 2] <nil>
// [3 4 5] <nil>
// [6 7] <nil>
// <nil>
