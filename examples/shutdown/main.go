// Command shutdown shows what ends when: a consumer, a stream, the metrics that both use,
// and the pool, which is closed after everything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// consume takes messages until the drain, and finishes the one that it has.
func consume(ctx context.Context) error {
	return serve.UntilDrain(ctx, func(accept, work context.Context) error {
		for {
			if err := deadline.Sleep(accept, 5*time.Millisecond); err != nil { // receive a message
				fmt.Println("consumer: no more messages")
				return err
			}
			serve.Drain(ctx, errors.New("the middle of a message"))            // in place of a SIGTERM
			if err := deadline.Sleep(work, 500*time.Millisecond); err != nil { // handle it
				return err
			}
			fmt.Println("consumer: a message is done")
		}
	})
}

// stream ends when clients will not be sent here again.
func stream(ctx context.Context) error {
	<-serve.Draining(ctx)
	fmt.Println("stream: still open")
	<-serve.Closing(ctx)
	fmt.Println("stream: closed")
	return nil
}

func main() {
	p := serve.Program{Grace: 10 * time.Second, Linger: 30 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		serve.Cleanup(ctx, func(context.Context) error { fmt.Println("pool: closed"); return nil })
		n.Background("metrics", func(ctx context.Context) error {
			<-ctx.Done() // not before the last task has ended
			fmt.Println("metrics: closed")
			return nil
		})
		n.GoNamed("consumer", consume)
		n.GoNamed("stream", stream)
		return nil
	})
}

// Output:
// stream: still open
// stream: closed
// consumer: a message is done
// consumer: no more messages
// metrics: closed
// pool: closed
