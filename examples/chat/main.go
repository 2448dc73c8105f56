// Chat is a chat room for browsers and other websocket clients. When a client leaves, in
// whatever way, the others are informed; a client that does not read delays no other; and
// at Ctrl-C every client gets the reason for its end. Run it with -h for its flags
// and messages.
//
//   - main.go: the command line and the program;
//   - hub.go: the room, a task in the background;
//   - client.go: a client from its first message to the reason for its end;
//   - message.go: what is said over the websockets;
//   - web.go, session.go, index.html: logins, cookies and the page.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/trellis-go/trellis/examples/internal/droplog"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
	"github.com/trellis-go/trellis/tasktree"
)

// limits bounds what a client may cost the server, and the others.
type limits struct {
	mailbox  int           // messages in the mailbox of a client
	ping     time.Duration // between a pong and the next ping
	pong     time.Duration // for the answer to a ping
	write    time.Duration // for the writing of one message
	pace     time.Duration // between two messages of one client
	farewell time.Duration // for the closing handshake
}

var defaults = limits{
	mailbox:  256,
	ping:     20 * time.Second,
	pong:     10 * time.Second,
	write:    10 * time.Second,
	pace:     10 * time.Millisecond,
	farewell: 5 * time.Second,
}

func main() {
	limits := defaults
	addr := flag.String("addr", "127.0.0.1:8080", "listen on this `address`; port 0 is any free one")
	flag.IntVar(&limits.mailbox, "mailbox", limits.mailbox, "drop a client when `N` messages wait for it")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Usage: chat [flags]

Chat serves a chat room at http://ADDR/. Without a browser:

  POST /api/v1/auth  with {"login": "ada"} logs in: answers {"id", "name"}, and sets a
                     cookie. Without a name you are Anonymous.
  GET  /ws           joins, as a websocket. Send {"type":"msg","data":"hello"}. What comes
                     is that, with "user", the name, and "id", for every message of every
                     user, and {"type":"join","id":"...","data":"ada"} and the same with
                     "part" when a user comes or goes. Users of one name have different ids.
  GET  /debug/tasks  shows what runs in the server, to browsers on its machine.

`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || limits.mailbox < 1 {
		fmt.Fprintln(os.Stderr, "chat: -mailbox must be positive, and there are no arguments; run chat -h for help")
		os.Exit(2)
	}
	log := droplog.New(os.Stderr) // a log that is not read must not stop the chat
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	tasktree.OnSignal(os.Stderr) // SIGUSR1 prints what runs
	program := serve.Program{Name: "chat", Grace: 10 * time.Second, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	program.Main(func(ctx context.Context, n *nursery.Nursery) error {
		serve.Cleanup(ctx, func(context.Context) error { log.Close(); return nil })
		l, err := net.Listen("tcp", *addr)
		if err != nil {
			return err
		}
		slog.Info("listening", "addr", l.Addr().String())
		return run(ctx, n, l, newHub(), limits)
	})
}

// run serves until the program drains. The hub is a task in the background: clients that
// leave at the very end still send that to it, and it ends after all of them.
func run(ctx context.Context, n *nursery.Nursery, l net.Listener, h *hub, limits limits) error {
	n.Background("hub", h.run)
	return serve.HTTP(ctx, &http.Server{Handler: newHandler(h, limits), ReadHeaderTimeout: 10 * time.Second}, l)
}
