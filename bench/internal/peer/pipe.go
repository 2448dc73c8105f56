package peer

import (
	"context"

	"github.com/trellis-go/trellis/memchan"
)

// A Pipe takes ints from some tasks to others.
type Pipe interface {
	Send(ctx context.Context, v int) error
	Receive(ctx context.Context) (int, error)
}

// A Piper is one way to make pipes in which every wait ends with a context.
type Piper struct {
	Name string
	Open func(capacity int) Pipe
}

// TrellisChannel is package memchan.
var TrellisChannel = Piper{"trellis", func(capacity int) Pipe {
	s, r := memchan.Open[int](capacity)
	return memory{s, r}
}}

type memory struct {
	*memchan.Sender[int]
	*memchan.Receiver[int]
}

// StdChannel is a channel of Go, in a select with the context for each wait.
var StdChannel = Piper{"std", func(capacity int) Pipe { return plain(make(chan int, capacity)) }}

type plain chan int

func (c plain) Send(ctx context.Context, v int) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c plain) Receive(ctx context.Context) (int, error) {
	select {
	case v := <-c:
		return v, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}
