package uncancelableok

import (
	"context"
	"os/exec"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func tasks(ctx context.Context, ch chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			if err := deadline.Sleep(ctx, time.Second); err != nil {
				return err
			}
			select {
			case ch <- 1:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case v, ok := <-ch:
				_, _ = v, ok
			case _, ok := <-ctx.Done():
				_ = ok
			}
			select {
			case <-ch:
			default:
			}
			done := ctx.Done()
			var end <-chan struct{} = done
			for range 3 {
				select {
				case <-ch:
				case <-done:
					return ctx.Err()
				}
				select {
				case <-ch:
				case <-end:
				}
			}
			<-ctx.Done()
			defer func() { ch <- 1 }()
			go func() { ch <- 1 }()
			return exec.CommandContext(ctx, "true").Run()
		})
		return nil
	})
}

// No task.
func plain(ch chan int) {
	time.Sleep(time.Second)
	<-ch
}
