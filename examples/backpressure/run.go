package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
)

// A program is backpressure with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	listen         func(ctx context.Context, network, addr string) (net.Listener, error)
	dial           func(ctx context.Context, network, addr string) (net.Conn, error)
	readers        []*reader // nil: those of demo

	stopped time.Time // when it was noticed that all was to end
}

// run executes one command line and returns the exit code. Canceling ctx is
// the interruption: run then returns as soon as its tasks have ended.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr, listen: new(net.ListenConfig).Listen, dial: dial}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	o, code, ends := commandLine.Parse(args, p.stdout, p.stderr)
	if ends {
		return code
	}
	var end time.Time // the zero time is no deadline
	if o.limit > 0 {
		end = time.Now().Add(o.limit)
	}
	out := command.NewOutput(p.stdout, nil)
	log := command.NewLog(p.stderr)
	_, err := deadline.MoveOnAt(ctx, end, func(ctx context.Context) error { return p.work(ctx, o, out, log) })
	log.Close()
	_, failed := cancelscope.Split(ctx, err)
	if failed == nil {
		p.summarize(out)
	}
	switch err := out.Err(); {
	case err != nil:
		return command.Lost("backpressure", err, p.stderr)
	case failed != nil:
		fmt.Fprintf(p.stderr, "backpressure: %v\n", first(failed))
		return command.ExitFailed
	}
	return command.ExitOK
}

// work is all that the program does: a server and its table, or readers, or both,
// in one nursery. It ends when ctx is done or one of them fails.
func (p *program) work(ctx context.Context, o options, out *command.Output, log io.Writer) error {
	s := &server{patience: o.patience}
	t := newTable(out, s.board.rows)
	if command.Terminal(out) != nil && command.Terminal(p.stderr) != nil {
		shared := command.NewLog(t) // else log and table would overwrite each other
		defer t.Write(nil)          // with no reader left
		defer shared.Close()
		log = shared
	}
	s.log = slog.New(slog.NewTextHandler(log, nil))
	slog.SetDefault(s.log) // where webserver logs

	return nursery.Config{Name: "backpressure"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		if o.connect != "" {
			p.readers = []*reader{{name: "reader", url: o.connect, every: o.pause, block: o.block}}
		} else {
			l, err := p.listen(ctx, "tcp", o.addr)
			if err != nil {
				return err
			}
			s.log.Info("listening", "addr", l.Addr().String())
			n.GoNamed("server", func(ctx context.Context) error { return webserver.Run(ctx, smallBuffers{l}, s) })
			n.GoNamed("table", t.show)
			if p.readers == nil && !o.serve {
				p.readers = demo(o.pause)
			}
			for _, r := range p.readers {
				r.url = "ws://" + l.Addr().String() + "/?name=" + r.name
			}
		}
		for _, r := range p.readers {
			r.dial = p.dial
			n.GoNamed(r.name, func(ctx context.Context) error { return p.read(ctx, r, o) })
		}
		// A server does not end by itself: the error of this nursery is the
		// cancellation that has ended it.
		<-ctx.Done()
		p.stopped = time.Now()
		s.log.Info("stopping", "cause", context.Cause(ctx))
		return context.Cause(ctx)
	})
}

// read is the task of one reader.
func (p *program) read(ctx context.Context, r *reader, o options) error {
	err := r.run(ctx)
	if ctx.Err() != nil {
		r.ended = time.Now()
	} else if o.connect == "" && isLoss(err) {
		return nil // what the program is about, and the server has logged it
	}
	return err
}

// summarize says how long after the cancellation the tasks of the readers
// ended. It is called when they have.
func (p *program) summarize(w io.Writer) {
	for _, r := range p.readers {
		if r.ended.IsZero() {
			continue // it had ended before
		}
		late := max(0, r.ended.Sub(p.stopped)) // it may have noticed first
		how := "deadline.Sleep"
		if r.block {
			how = "time.Sleep"
		}
		fmt.Fprintf(w, "%-8s with %-14s ended %6.1fms after the cancellation; it took %d messages\n",
			r.name, how, float64(late)/float64(time.Millisecond), r.taken)
	}
}
