package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/temporaltest"
)

func main() {
	verbose := flag.Bool("v", false, "write the warnings of the SDK's client to standard error")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	server := temporaltest.NewServer(temporaltest.WithBaseClientOptions(client.Options{Logger: logger{*verbose}}))
	// The namespace takes requests once the client does.
	server.GetDefaultClient()
	fmt.Println(server.GetFrontendHostPort(), server.GetDefaultNamespace())

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
	server.Stop()
}

// logger writes warnings and errors to standard error if it is asked to.
type logger struct{ verbose bool }

var _ sdklog.Logger = logger{}

func (l logger) Debug(string, ...any) {}
func (l logger) Info(string, ...any)  {}
func (l logger) Warn(msg string, kv ...any) {
	l.write("warning", msg, kv)
}
func (l logger) Error(msg string, kv ...any) {
	l.write("error", msg, kv)
}

func (l logger) write(level, msg string, kv []any) {
	if l.verbose {
		fmt.Fprintln(os.Stderr, append([]any{level + ":", msg}, kv...)...)
	}
}
