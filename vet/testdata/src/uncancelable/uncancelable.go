package uncancelable

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"github.com/trellis-go/trellis/nursery"
)

func tasks(ctx context.Context, ch chan int, wg *sync.WaitGroup) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			time.Sleep(time.Second) // want `Sleep does not end when the context is canceled: use deadline.Sleep`
			ch <- 1                 // want `the send does not end when the context is canceled`
			<-ch                    // want `the receive does not end when the context is canceled`
			for range ch {          // want `the loop over a channel does not end when the context is canceled`
			}
			select { // want `the select does not end when the context is canceled: add a case for ctx.Done`
			case ch <- 1:
			case <-ch:
				<-ch // want `the receive does not end`
			}
			wg.Wait()                         // want `Wait does not end when the context is canceled: use a nursery`
			return exec.Command("true").Run() // want `Command does not end when the context is canceled: use exec.CommandContext`
		})
		_, err := net.Dial("tcp", "localhost:1") // want `Dial does not end when the context is canceled`
		if err != nil {
			return err
		}
		_, err = http.Get("x") // want `Get does not end when the context is canceled: use a request with the context`
		return err
	})
}
