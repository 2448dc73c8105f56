// Digest prints the SHA-256 of every regular file below the directories it is
// given: in the format of sha256sum, in an order that does not depend on
// timing, on all processors, and with a memory that does not grow with the
// tree. Run it with -h for its flags and exit codes.
//
// It is the first program of the Trellis examples, and shows how a whole
// program fits into one nursery:
//
//   - digest.go: the nursery, and the tasks that run in it;
//   - walk.go and hash.go: what the tasks do, as plain functions of a context;
//   - screen.go: the output and the progress line, which share a terminal;
//   - run.go: the time limit, and what is said when all has ended;
//   - usage.go, format.go: the command line, and the lines that come out.
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

	// Writing to a closed pipe then gives an error like any other, and the
	// progress line can be cleared before the program ends.
	signal.Ignore(syscall.SIGPIPE)

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
