// Timeouts tells, with real requests and a clock beside them, how one time
// limit is shared by several calls, and what becomes of the requests of a
// server when one of their handlers fails. Run it with -h for its scenes,
// flags and exit codes.
//
// Each scene says what it expects before it begins, and what happened in the
// end:
//
//   - limits.go: ways to limit two requests, of which only some share the limit;
//   - handle.go: the handlers of a server as children of one nursery;
//   - tasks.go: the same with a handle for each of them.
//
// The rest is what these stand on:
//
//   - fetch.go: one request, which has no parameter for its limit;
//   - intake.go: a producer of requests, and the loop that takes them in;
//   - ledger.go: how each of them ended, and whether the counts add up;
//   - expect.go: what should happen, from the flags alone;
//   - backend.go: the local servers, which take as long as the flags say;
//   - run.go, story.go, usage.go: the program, what it prints, the command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// untilSignal returns a context that is canceled by the first SIGINT or
// SIGTERM. From then on signals have their usual effect again, so that a
// second Ctrl-C ends a program that does not manage to stop in good order.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
