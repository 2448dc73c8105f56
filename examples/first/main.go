// Command first asks three servers for a connection, uses the first one that answers, and
// closes the ones that come too late.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// A connection to a server.
type connection struct{ server string }

func (c *connection) Close() { fmt.Println("closed:", c.server) }

// dial connects to a server that takes some time to answer. Like many real ones, it does
// not give up what it has got just because the context is done by then.
func dial(server string, after time.Duration, err error) func(ctx context.Context) (*connection, error) {
	return func(ctx context.Context) (*connection, error) {
		if server == "far" {
			<-ctx.Done() // it answers in the very moment when another one has won
			return &connection{server}, nil
		}
		if e := deadline.Sleep(ctx, after); e != nil {
			return nil, e
		}
		if err != nil {
			return nil, err
		}
		return &connection{server}, nil
	}
}

func main() {
	c, err := nursery.Race(context.Background(), (*connection).Close,
		dial("broken", 0, errors.New("connection refused")),
		dial("near", 5*time.Millisecond, nil),
		dial("far", 0, nil),
		dial("asleep", time.Hour, nil),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("use:", c.server)
	c.Close()
}

// Output:
// closed: far
// use: near
// closed: near
