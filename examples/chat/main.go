// Chat is a chat room for web browsers: whoever logs in at its page sees who
// joins, who leaves, and what everybody writes. Run it with -h for its flags,
// and open http://127.0.0.1:8080 in two windows.
//
// It is there for a bug: when a client leaves, its handler is canceled, and
// what the handler then does to tell the others fails as everything in a
// canceled scope does. Here the others are told, however a client goes.
//
//   - client.go: a websocket, from joining to leaving, as one nursery, in whose
//     canceled scope the others are told;
//   - hub.go: who is in the room, and who hears what;
//   - mail.go: the way of a message to a client, on which one that does not read
//     delays nobody else;
//   - message.go: the messages, and the reasons for which a websocket ends;
//   - web.go and index.html: what is served, the page among it;
//   - session.go: the signed cookie that says who somebody is;
//   - run.go: the program as one nursery, and the order in which it ends;
//   - usage.go: the command line.
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
// second one ends the program at once.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
