// Command pipeline counts in one task, squares in the next, and ends both when it has seen
// enough: it closes its end of the channel, and each stage notices that of the next one.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

func main() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		numbers, counted := memchan.Open[int](0)
		squares, squared := memchan.Open[int](0)
		n.GoNamed("count", func(ctx context.Context) error {
			defer numbers.Close()
			for i := 1; ; i++ {
				if err := numbers.Send(ctx, i); err != nil {
					return ended(err)
				}
			}
		})
		n.GoNamed("square", func(ctx context.Context) error {
			defer counted.Close()
			defer squares.Close()
			for i, err := range counted.All(ctx) {
				if err == nil {
					err = squares.Send(ctx, i*i)
				}
				if err != nil {
					return ended(err)
				}
			}
			return nil
		})
		defer squared.Close()
		for s, err := range squared.All(ctx) {
			if err != nil || s > 50 {
				return err
			}
			fmt.Println(s)
		}
		return nil
	})
	fmt.Println("all stages have ended:", err)
}

// ended returns nil if the reason is that the next stage has closed its end.
func ended(err error) error {
	if errors.Is(err, memchan.ErrBroken) {
		return nil
	}
	return err
}

// Output:
// 1
// 4
// 9
// 16
// 25
// 36
// 49
// all stages have ended: <nil>
