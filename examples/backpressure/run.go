package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
)

const (
	redraw  = 250 * time.Millisecond // how often a terminal is drawn
	relines = time.Second            // how often lines are printed elsewhere
)

// A program is backpressure with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	listen         func(ctx context.Context, network, addr string) (net.Listener, error)
	dial           func(ctx context.Context, network, addr string) (net.Conn, error)
	demo           func(url string, o options) []*reader

	screen *screen // nil if standard output is no terminal
	log    *slog.Logger
	start  time.Time
}

// run executes one command line and returns the exit code. Canceling ctx is
// the interruption: run then returns as soon as its tasks have ended.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{
		stdout: stdout,
		stderr: stderr,
		listen: new(net.ListenConfig).Listen,
		dial:   new(net.Dialer).DialContext,
		demo:   demo,
	}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(p.stdout, usage())
		return exitOK
	case err != nil:
		fmt.Fprintf(p.stderr, "backpressure: %v\nRun backpressure -h for help.\n", err)
		return exitUsage
	}

	p.start = time.Now()
	p.screen = newScreen(p.stdout)
	logs := p.stderr
	if p.screen != nil && newScreen(p.stderr) != nil {
		logs = p.screen // else log and table would overwrite each other
	}
	p.log = slog.New(slog.NewTextHandler(logs, nil))
	slog.SetDefault(p.log) // where webserver logs
	if o.connect != "" {
		return p.read(ctx, o)
	}
	return p.host(ctx, o)
}

// host is the program with a server.
func (p *program) host(ctx context.Context, o options) int {
	l, err := p.listen(ctx, "tcp", o.addr)
	if err != nil {
		return p.complain(err)
	}
	p.log.Info("listening", "addr", l.Addr().String())
	s := newServer(o, p.log)
	var readers []*reader
	if !o.serve {
		readers = p.demo("ws://"+l.Addr().String()+"/", o)
	}
	var ends endings
	expired, err := p.shown(ctx, o.limit, s.board.lines(p.start), func(ctx context.Context) error {
		return ends.watch(ctx, func() error { return p.work(ctx, smallBuffers{l, o.buffer}, s, readers, &ends) })
	})
	return p.finish(ctx, expired, err, o, func() string {
		rows, gone := s.board.rows()
		return strings.Join(final(rows, gone), "\n") + "\n" + ends.summary()
	})
}

// work is the server and the readers that came with it, in one nursery. It
// ends when ctx is done.
func (p *program) work(ctx context.Context, l net.Listener, s *server, readers []*reader, ends *endings) error {
	return nursery.Config{Name: "work"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("server", func(ctx context.Context) error { return webserver.Run(ctx, l, s) })
		for _, r := range readers {
			r.dial = p.dial
			// One after another, for the order of the table.
			_, err := nursery.StartNamed(ctx, n, "reader "+r.name, func(ctx context.Context, started func(struct{})) error {
				connected := false
				err := r.run(ctx, func() { connected = true; started(struct{}{}) })
				ends.add(ctx, r)
				if connected && isLoss(err) {
					// This is what the program is about, and no failure.
					p.log.Info("reader has lost its connection", "reader", r.name, "taken", r.taken.Load(), "error", err)
					return nil
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		// A server does not end by itself, so whoever stops it is to see a
		// cancellation come out.
		<-ctx.Done()
		return context.Cause(ctx)
	})
}

// shown runs work under a time limit, and shows lines while it runs. What is
// shown goes on while tasks end after a cancellation, which is the interesting
// part, so its task is shielded from that, and ended by hand.
func (p *program) shown(ctx context.Context, limit time.Duration, lines picture, work func(ctx context.Context) error) (expired bool, err error) {
	var end time.Time // the zero time is no deadline
	if limit > 0 {
		end = p.start.Add(limit)
	}
	tableErr := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		var show cancelscope.Scope
		show.SetShield(true)
		defer show.Cancel(nil)
		n.GoNamed("table", func(ctx context.Context) error {
			return show.Run(ctx, func(ctx context.Context) error { return p.show(ctx, lines) })
		})
		expired, err = deadline.MoveOnAt(ctx, end, work)
		return nil // it is not the table's business
	})
	return expired, errors.Join(err, tableErr)
}

// A picture returns what is to be shown now, for a terminal of the given size or,
// if the width is 0, for a file.
type picture func(width, height int) []string

// show shows lines again and again until ctx is done, which is how it is meant to
// end, or the output fails.
func (p *program) show(ctx context.Context, lines picture) error {
	if p.screen == nil {
		for deadline.Sleep(ctx, relines) == nil {
			if err := p.print(lines(0, 0)); err != nil {
				return err
			}
		}
		return nil
	}
	err := p.screen.draw(lines(p.screen.size()))
	for err == nil && deadline.Sleep(ctx, redraw) == nil {
		err = p.screen.draw(lines(p.screen.size()))
	}
	if err == nil {
		err = p.screen.clear()
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

func (p *program) print(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	if _, err := io.WriteString(p.stdout, strings.Join(lines, "\n")+"\n"); err != nil {
		return &outputError{err}
	}
	return nil
}

// An outputError says that standard output has failed, as opposed to a
// connection.
type outputError struct{ err error }

func (e *outputError) Error() string { return "standard output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// finish says how it ended, and returns the exit code.
func (p *program) finish(ctx context.Context, expired bool, err error, o options, summary func() string) int {
	if out, ok := errors.AsType[*outputError](err); ok {
		return p.complain(out) // what else there is only follows from it
	}
	why, code := "", exitOK
	canceled, failed := cancelscope.Split(ctx, err)
	switch {
	case failed != nil:
		code = p.complain(failed)
	case canceled != nil:
		why = fmt.Sprintf("Interrupted (%v).", context.Cause(ctx))
	case expired:
		why = fmt.Sprintf("The time limit of %v was up.", o.limit)
	}
	if err := p.print([]string{strings.TrimSpace(why + "\n" + summary())}); err != nil {
		return p.complain(err)
	}
	return code
}

// complain reports an error that ends the program, and returns the exit code.
func (p *program) complain(err error) int {
	if _, ok := errors.AsType[*outputError](err); ok && errors.Is(err, syscall.EPIPE) {
		return exitPipe // who read the output had enough, which is no failure
	}
	fmt.Fprintf(p.stderr, "backpressure: %v\n", err)
	return exitError
}

// lines returns the board as a picture.
func (b *board) lines(start time.Time) picture {
	return func(width, height int) []string {
		rows, gone := b.rows()
		if width == 0 {
			return plain(rows, time.Since(start))
		}
		return live(rows, gone, width-1, height-1)
	}
}

// read is the program as a reader only.
func (p *program) read(ctx context.Context, o options) int {
	r := &reader{
		name: o.name, url: o.connect, buffer: o.buffer, dial: p.dial,
		every: o.every, block: o.block, mute: o.mute, take: o.take, then: ending(o.then),
	}
	if r.name == "" {
		r.name = "reader"
	} else if u, err := url.Parse(r.url); err == nil {
		query := u.Query()
		query.Set("name", r.name)
		u.RawQuery = query.Encode()
		r.url = u.String()
	}
	var ends endings
	lines := func(int, int) []string {
		return []string{fmt.Sprintf("%7s taken %d", seconds(time.Since(p.start)), r.taken.Load())}
	}
	connected := false
	expired, err := p.shown(ctx, o.limit, lines, func(ctx context.Context) error {
		return ends.watch(ctx, func() error {
			err := r.run(ctx, func() {
				p.log.Info("connected", "url", r.url)
				connected = true
			})
			ends.add(ctx, r)
			if connected && isLoss(err) {
				err = fmt.Errorf("the connection is lost: %w", err)
			}
			return err
		})
	})
	if !connected && err != nil && !cancelscope.IsCancellation(ctx, err) {
		return p.complain(err)
	}
	return p.finish(ctx, expired, err, o, func() string {
		return fmt.Sprintf("Messages taken: %d\n", r.taken.Load()) + ends.summary()
	})
}
