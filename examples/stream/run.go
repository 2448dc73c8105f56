package main

import (
	"context"
	"io"
	"log/slog"
	"net"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/examples/internal/command"
	"github.com/trellis-go/trellis/examples/internal/webserver"
)

// run executes one command line and returns the exit code. Canceling ctx stops
// the server: run then returns when every run has ended and every client has
// been told.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if code, ends := command.Answer(err, "stream", usage, stdout, stderr); ends {
		return code
	}

	log := slog.New(slog.NewTextHandler(stderr, nil))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.addr)
	if err != nil {
		log.Error("cannot listen", "error", err)
		return exitFailed
	}
	log.Info("listening", "addr", l.Addr().String(), "page", "http://"+l.Addr().String()+"/")

	err = webserver.Run(ctx, l, newServer(o, log).handler())
	if err != nil && !cancelscope.IsCancellation(ctx, err) {
		log.Error("cannot go on", "error", err)
		return exitFailed
	}
	log.Info("stopped", "reason", context.Cause(ctx))
	return exitOK
}
