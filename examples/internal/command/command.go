package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// The exit codes that mean the same in every program.
const (
	ExitOK    = 0
	ExitUsage = 2
)

// Main runs a program under [UntilSignal] and exits with the code that it returns.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	ctx, stop := UntilSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// UntilSignal returns a context that is canceled by the first SIGINT or SIGTERM, which
// its cause names. From then on signals have their usual effect again, so that a second
// Ctrl-C ends a program that does not manage to stop in good order.
func UntilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// Flags returns a flag set that prints nothing by itself, and leaves that to Answer.
func Flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// Answer says what there is to say about a command line that was parsed with the error
// err, and reports whether the program ends with that, and with which exit code. Help
// that was asked for goes to stdout, and is no failure.
func Answer(err error, name string, help func() string, stdout, stderr io.Writer) (code int, ends bool) {
	switch {
	case err == nil:
		return 0, false
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stdout, help())
		return ExitOK, true
	}
	fmt.Fprintf(stderr, "%[1]s: %[2]v\nRun %[1]s -h for help.\n", name, err)
	return ExitUsage, true
}

// Help returns the text of -h: the flags between what comes before and after them.
func Help(head string, flags *flag.FlagSet, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	flags.SetOutput(&b)
	flags.PrintDefaults()
	b.WriteString(tail)
	return b.String()
}
