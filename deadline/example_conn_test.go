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

// A reader that waits for a silent peer ends when its time limit has passed.
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

// A canceled session says goodbye on the same connection, bound to a context that the
// cancellation does not reach.
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

// Many buffers in one system call, where the connection inside is one of package net.
func ExampleConn_buffers() {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		c := deadline.Conn(context.Background(), near)
		defer c.Close()
		buffers := net.Buffers{[]byte("header, "), []byte("body, "), []byte("trailer")}
		n, err := c.(interface {
			WriteBuffers(*net.Buffers) (int64, error)
		}).WriteBuffers(&buffers)
		fmt.Println(n, err)
	}()

	text, err := io.ReadAll(far)
	fmt.Println(string(text), err)
	// Output:
	// 21 <nil>
	// header, body, trailer <nil>
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
		cancel(errors.New("the reader is not needed any more"))
	}()

	err = deadline.Interrupt(ctx, r, func() error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	fmt.Println(err)
	// Output: the reader is not needed any more
}
