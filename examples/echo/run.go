package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/nursery"
)

// A program is echo with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	listen         func(ctx context.Context, addr string) (net.Listener, error)
	signals        <-chan os.Signal
	release        func() // gives signals their usual effect back
	limits         limits
}

// run executes one command line and returns the exit code. Canceling ctx cuts
// everything off at once, as a second signal does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, 2) // two is all that are waited for
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	release := func() { signal.Stop(signals) }
	defer release()

	p := &program{stdout, stderr, listenTCP, signals, release, defaultLimits}
	return p.run(ctx, args)
}

// listenTCP leaves TCP's keep-alive on, which finds clients that vanished without a
// word; those that are merely silent may be so for as long as they like.
func listenTCP(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", addr)
}

func (p *program) run(ctx context.Context, args []string) int {
	o, code, ends := commandLine.Parse(args, p.stdout, p.stderr)
	if ends {
		return code
	}

	l, err := p.listen(ctx, o.addr)
	if err != nil {
		fmt.Fprintf(p.stderr, "echo: %v\n", err)
		return command.ExitFailed
	}
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	lines := command.NewLog(p.stderr)
	defer lines.Close()
	log := slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: level}))
	log.Info("listening", "addr", l.Addr())

	s := &server{options: o, limits: p.limits, log: log}
	s.listening.Name = "listening"
	s.silence = min(s.silence, s.grace/2) // so that silence alone does not cut a client off
	err = p.serve(ctx, s, l)
	// From here on no task is left.
	return report(s, err)
}

// serve runs the server to its end, and does what the signals say meanwhile. It
// returns what the server does.
func (p *program) serve(ctx context.Context, s *server, l net.Listener) error {
	var serving *nursery.Task[struct{}]
	// The error of this nursery is that of its only task.
	nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		serving = nursery.Spawn(n, "server", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.serve(ctx, l)
		})
		select {
		case sig := <-p.signals:
			s.listening.Cancel(fmt.Errorf("%v signal received", sig))
		case <-serving.Done():
			return nil
		}
		select {
		case sig := <-p.signals:
			p.release() // first, so that the third signal has its effect from here on
			serving.Cancel(fmt.Errorf("second signal received: %v", sig))
		case <-serving.Done():
		}
		return nil
	})
	_, err := serving.Result()
	return err
}

// report writes the end of the log: every failure that was kept, and a last line that
// counts how the connections ended. It returns the exit code.
func report(s *server, err error) int {
	var failures *nursery.Error
	if errors.As(err, &failures) {
		for _, err := range failures.Unwrap() {
			if f, ok := err.(*nursery.TaskError); ok { // the last may be a cancellation
				s.log.Error("failed in this run", "task", f.Task, "err", f.Err)
			}
		}
	}
	if failures != nil && failures.Dropped() > 0 {
		s.log.Error("more failed, and were logged when they did", "number", failures.Dropped())
	}
	c := s.tally.counts()

	level, msg, code := slog.LevelInfo, "drained", command.ExitOK
	switch {
	case errors.Is(err, errNotListening):
		level, msg, code = slog.LevelError, errNotListening.Error(), command.ExitFailed
	case c.ended[cut] > 0:
		level, msg, code = slog.LevelWarn, "cut off", exitCut
	}
	s.log.Log(context.Background(), level, msg, c.attrs()...)
	return code
}
