// Command tcpserver serves a protocol of lines, a task for each connection. In the drain a
// client that is silent is closed, and one in the middle of a line may finish it.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// shout sends each line back in capitals, until the client, or the drain, ends the input.
func shout(ctx context.Context, c net.Conn) error {
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if _, err := fmt.Fprintln(c, strings.ToUpper(lines.Text())); err != nil {
			return err
		}
	}
	return lines.Err()
}

func clients(ctx context.Context, addr string) error {
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer silent.Close()
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer slow.Close()
	fmt.Fprint(slow, "good ")
	time.Sleep(50 * time.Millisecond) // the server has read it
	serve.Drain(ctx, nil)             // in place of a SIGTERM
	rest, err := io.ReadAll(silent)
	fmt.Printf("silent: %q %v\n", rest, err)
	fmt.Fprint(slow, "morning\n")
	rest, err = io.ReadAll(slow)
	fmt.Printf("slow: %q %v\n", rest, err)
	return nil
}

func main() {
	p := serve.Program{Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler)}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		n.GoNamed("server", func(ctx context.Context) error { return serve.Conns(ctx, l, 1000, shout) })
		return clients(ctx, l.Addr().String())
	})
}

// Output:
// silent: "" <nil>
// slow: "GOOD MORNING\n" <nil>
