package main

import (
	"context"
	"io"
	"log/slog"
	"net"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/tasktree"
)

// run executes one command line and returns the exit code. Canceling ctx stops
// the server: run then returns when every run has ended and every connection is
// closed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, code, ends := commandLine.Parse(args, stdout, stderr)
	if ends {
		return code
	}

	defer tasktree.Record()() // for /debug/tasks
	lines := command.NewLog(stderr)
	defer lines.Close()
	log := slog.New(slog.NewTextHandler(lines, nil))
	slog.SetDefault(log) // for package webserver
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.addr)
	if err != nil {
		log.Error("cannot listen", "error", err)
		return command.ExitFailed
	}
	log.Info("listening", "addr", l.Addr().String(), "page", "http://"+l.Addr().String()+"/")

	err = webserver.Run(ctx, l, newServer(o, log).handler())
	if err != nil && !cancelscope.IsCancellation(ctx, err) {
		log.Error("cannot continue", "error", err)
		return command.ExitFailed
	}
	log.Info("stopped", "reason", context.Cause(ctx))
	return command.ExitOK
}
