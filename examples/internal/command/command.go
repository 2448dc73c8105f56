package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes that mean the same in every program.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 128 + 2  // 128 + SIGINT, what shells report
	ExitPipe        = 128 + 13 // 128 + SIGPIPE
)

// A RunFunc executes one command line and returns the exit code.
type RunFunc func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Main runs a program under [UntilSignal] and exits with the code that it returns.
func Main(run RunFunc) {
	Exit(func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		ctx, stop := UntilSignal(ctx)
		defer stop()
		return run(ctx, args, stdout, stderr)
	})
}

// Exit is Main for a program that handles its signals itself.
//
// A write to a closed pipe gives an error in it, like any other, and does not end the
// process: a server continues when the reader of its log has gone.
func Exit(run RunFunc) {
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args[1:], Stdout(), os.Stderr))
}

// UntilSignal returns a context that is canceled by the first SIGINT or SIGTERM, which
// its cause names. Before that, signals get their usual effect back, so that a second
// Ctrl-C ends a program that does not stop in good order. Two signals at the same
// moment may count as one.
func UntilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // not signal.NotifyContext: it cancels first
		var why error
		select {
		case sig := <-signals:
			why = fmt.Errorf("%v signal received", sig)
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel(why)
	}()
	return ctx, func() { cancel(nil) }
}
