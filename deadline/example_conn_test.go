package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// A reader that waits for a silent peer notices that it has been canceled.
func ExampleConn() {
	near, far := net.Pipe()
	defer far.Close()

	expired, err := deadline.MoveOnAfter(context.Background(), time.Millisecond, func(ctx context.Context) error {
		c := deadline.Conn(ctx, near)
		defer c.Close()
		_, err := c.Read(make([]byte, 100))
		return err
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// A canceled session takes its leave: the same connection, bound to a context that
// the cancellation does not reach.
func ExampleConn_goodbye() {
	near, far := net.Pipe()
	go io.WriteString(far, "hello")
	heard := make(chan string)

	var session cancelscope.Scope
	err := session.Run(context.Background(), func(ctx context.Context) error {
		c := deadline.Conn(ctx, near)
		defer c.Close()
		b := make([]byte, 100)
		for {
			n, err := c.Read(b)
			if err != nil {
				return errors.Join(err, cancelscope.Shield(ctx, time.Second, func(ctx context.Context) error {
					_, err := io.WriteString(deadline.Conn(ctx, c), "bye")
					return err
				}))
			}
			fmt.Printf("near: %s\n", b[:n])
			go func() {
				session.Cancel(nil)
				b, _ := io.ReadAll(far)
				heard <- string(b)
			}()
		}
	})
	fmt.Println("far:", <-heard)
	fmt.Println(err)
	// Output:
	// near: hello
	// far: bye
	// <nil>
}

// A server stops accepting when it is canceled, and the listener stays usable.
func ExampleAccept() {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	expired, err := deadline.MoveOnAfter(context.Background(), time.Millisecond, func(ctx context.Context) error {
		for {
			c, err := deadline.Accept(ctx, l)
			if err != nil {
				return err
			}
			c.Close()
		}
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// Reading from a pipe, a serial line or a terminal can be given up as well.
func ExampleInterrupt() {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	defer w.Close()

	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		io.WriteString(w, "x")
		cancel(errors.New("nobody listens any more"))
	}()

	err = deadline.Interrupt(ctx, r, func() error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	fmt.Println(err)
	// Output: nobody listens any more
}
