// Echo is a TCP server that sends every line back to the client it came from. A client
// that fails does not disturb the others, and at Ctrl-C every client can finish the line
// that it has begun before it is cut off. Run it with -h for its flags.
//
//   - main.go: the command line and the program;
//   - client.go: one connection, from its first line to its last.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A server has what the command line says.
type server struct {
	addr    string
	grace   time.Duration
	maxLine int
	clients int
}

func main() {
	var s server
	flag.StringVar(&s.addr, "addr", "127.0.0.1:9000", "listen on `HOST:PORT`; port 0 takes any free one, which the log names")
	flag.DurationVar(&s.grace, "grace", 2*time.Second, "cut off connections that are left this `DURATION` after the first signal")
	flag.IntVar(&s.maxLine, "max-line", 64<<10, "take lines of up to this many `BYTES`, the newline not counted")
	flag.IntVar(&s.clients, "clients", 10_000, "serve `N` clients at a time; more wait until there is room")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Usage: echo [flags]

Echo sends every line back to the client it came from. The line "boom" makes the handler
of its connection fail. The first Ctrl-C closes the listener, and connections have the
time of -grace; the second one cuts them off, and the third one ends the process.
The exit code is 3 if connections were cut off after -grace, and 130 after a second Ctrl-C.

Try it with: nc 127.0.0.1 9000

`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || s.maxLine < 1 || s.clients < 1 || s.grace <= 0 {
		fmt.Fprintln(os.Stderr, "echo: flags must be positive, and there are no arguments; run echo -h for help")
		os.Exit(2)
	}
	serve.Program{Name: "echo", Grace: s.grace}.Main(s.run)
}

// run listens, and serves until the program drains.
func (s *server) run(ctx context.Context, _ *nursery.Nursery) error {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	slog.Info("listening", "addr", l.Addr())
	return s.serve(ctx, l)
}

// serve runs a task for each connection. One that fails, or panics, is logged, and closes
// its own connection only.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	return serve.Conns(ctx, l, s.clients, s.handle)
}
