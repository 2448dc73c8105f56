package main

import (
	"context"
	"io"
	"log/slog"
	"net"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// run executes one command line and returns the exit code. Canceling ctx is
// the signal: run returns when nothing of the server runs any more.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, code, ends := commandLine.Parse(args, stdout, stderr)
	if ends {
		return code
	}
	defer tasktree.Record()() // for /debug/tasks
	log := command.NewLog(stderr)
	defer log.Close()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))

	sessions, err := newSessions(o.keyFile)
	if err != nil {
		slog.Error("no key for the cookies", "error", err)
		return command.ExitFailed
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		slog.Error("cannot listen", "error", err)
		return command.ExitFailed
	}
	slog.Info("listening", "addr", l.Addr().String())
	if err := serve(ctx, l, newHub(), sessions, o.limits); err != nil {
		slog.Error("ended", "error", err)
		return command.ExitFailed
	}
	slog.Info("ended", "reason", context.Cause(ctx))
	return command.ExitOK
}

// serve is the program as one nursery: the hub is a task, and the body runs the
// web server. It returns when nothing runs any more, nil if that was because of
// ctx.
func serve(ctx context.Context, l net.Listener, h *hub, sessions *sessions, limits limits) error {
	return nursery.Config{Name: "chat"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		// Clients that leave because ctx is done still send that to the hub.
		// So the hub is not canceled by ctx, but closed when no client is left.
		defer h.close()
		n.GoNamed("hub", func(ctx context.Context) error {
			var untilClosed cancelscope.Scope
			untilClosed.SetShield(true)
			return untilClosed.Run(ctx, h.run)
		})
		return webserver.Run(ctx, l, newHandler(h, sessions, limits))
	})
}
