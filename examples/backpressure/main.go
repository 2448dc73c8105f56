// Backpressure sends websocket messages to every reader as fast as that reader takes them,
// and shows in a table what becomes of readers that are slow, asleep, deaf or gone. It
// brings readers of each kind along; with -serve they come from other processes.
//
// A sender that is blocked does not wait for the receiver's code, but for room in the
// buffers of two sockets. A receiver that has left its loop, or sleeps in it, makes none,
// so only what happens to the connection wakes the sender: a close frame, its end, or its
// own side giving up. A receiver that vanishes without a word causes none of that, so the
// sender has to ask from time to time whether it is still there.
//
// Nothing can cancel a time.Sleep: a nursery waits for it, and the summary at the end
// shows for how long. deadline.Sleep ends as soon as its context is done.
//
//   - server.go: the tasks of one connection, and the limit for signs of life;
//   - reader.go: the readers, well-behaved and otherwise;
//   - board.go: what the server knows of each reader, and the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/trellis-go/trellis/examples/internal/droplog"
	"github.com/trellis-go/trellis/examples/internal/stdout"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A program is backpressure with the world it runs in, which tests replace.
type program struct {
	addr            string
	patience, limit time.Duration
	readers         []*reader
	stdout          io.Writer
	log             *slog.Logger
	dial            func(ctx context.Context, network, addr string) (net.Conn, error)
}

func main() {
	p := &program{stdout: stdout.Writer(), dial: dial}
	var alone bool
	var pause time.Duration
	flag.StringVar(&p.addr, "addr", "127.0.0.1:8082", "listen on this `address`")
	flag.BoolVar(&alone, "serve", false, "bring no readers along, and end at Ctrl-C only")
	flag.DurationVar(&p.patience, "patience", 3*time.Second, "cut off a reader that shows no sign of life for this `duration`")
	flag.DurationVar(&pause, "pause", 700*time.Millisecond, "the `duration` for which the readers sleeper and blocker pause")
	flag.DurationVar(&p.limit, "for", 10*time.Second, "end after this `duration`")
	flag.Parse()
	if flag.NArg() > 0 || p.patience < 100*time.Millisecond || pause < 0 || p.limit <= 0 {
		fmt.Fprintln(os.Stderr, "backpressure: -patience must be at least 100ms, -for positive, and there are no arguments; run backpressure -h for help")
		os.Exit(2)
	}
	if alone {
		p.limit = 0
	} else {
		p.readers = demo(pause)
	}
	lines := droplog.New(os.Stderr) // a log that is not read must not stop the server
	p.log = slog.New(slog.NewTextHandler(lines, nil))
	serve.Program{Name: "backpressure", Grace: p.patience, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}.Main(
		func(ctx context.Context, n *nursery.Nursery) error {
			serve.Cleanup(ctx, func(context.Context) error { lines.Close(); return nil })
			l, err := net.Listen("tcp", p.addr)
			if err != nil {
				return err
			}
			return p.run(ctx, n, smallBuffers{l})
		})
}

var errTimeUp = errors.New("the time is up")

// run runs a server, a table in the background, and the readers, until the program drains.
func (p *program) run(ctx context.Context, n *nursery.Nursery, l net.Listener) error {
	p.log.Info("listening", "addr", l.Addr().String())
	s := &server{patience: p.patience, log: p.log}
	n.Background("table", func(ctx context.Context) error { return s.board.show(ctx, p.stdout) })
	n.GoNamed("server", func(ctx context.Context) error { return serve.HTTP(ctx, &http.Server{Handler: s}, l) })
	if p.limit > 0 {
		timer := time.AfterFunc(p.limit, func() { serve.Drain(ctx, errTimeUp) })
		defer timer.Stop()
	}
	// The drain cancels the readers: accept is canceled, and that is no error.
	var stopped time.Time
	err := serve.UntilDrain(ctx, func(accept, _ context.Context) error {
		return nursery.Run(accept, func(ctx context.Context, n *nursery.Nursery) error {
			for _, r := range p.readers {
				r.url, r.dial = "ws://"+l.Addr().String()+"/?name="+r.name, p.dial
				n.GoNamed(r.name, r.read)
			}
			<-ctx.Done()
			stopped = time.Now()
			return context.Cause(ctx)
		})
	})
	if err != nil {
		return err
	}
	return p.summarize(stopped)
}

// summarize says how long after the cancellation the tasks of the readers ended.
func (p *program) summarize(stopped time.Time) error {
	for _, r := range p.readers {
		if r.ended.IsZero() {
			continue // it had ended before
		}
		how := "deadline.Sleep"
		if r.block {
			how = "time.Sleep"
		}
		late := max(0, r.ended.Sub(stopped)) // it may have noticed first
		if _, err := fmt.Fprintf(p.stdout, "%-8s with %-14s ended %6.1fms after the cancellation; it took %d messages\n",
			r.name, how, float64(late)/float64(time.Millisecond), r.taken); err != nil {
			return err
		}
	}
	return nil
}
