// Stream runs lists of jobs for web pages, and sends each result as it comes. Pressing the
// button again, in the same page or in another tab of the same client, cancels what is
// still running, waits until it has ended, and begins anew; closing the page cancels it.
// Run it with -h for its flags and messages, and look at it with a browser.
//
// Each file is about something that must wait for something else:
//
//   - batch.go: a run: the jobs, so many at a time, and the one task that writes their
//     results;
//   - conduct.go: the runs of one tab, one after another, and never two;
//   - seats.go: the tabs of one client, one after another, and never two;
//   - tab.go: a tab from its first message to the reason why it is closed;
//   - send.go: a transmission, which has a time limit, and a shield;
//   - job.go: what pages ask for, and how it is done;
//   - server.go, index.html: what the web sees.
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

// options is a command line.
type options struct {
	addr         string
	limit        int
	writeTimeout time.Duration
}

var defaults = options{addr: "127.0.0.1:8081", limit: 10, writeTimeout: 5 * time.Second}

func main() {
	o := defaults
	flag.StringVar(&o.addr, "addr", o.addr, "listen on `HOST:PORT`; port 0 takes a free one")
	flag.IntVar(&o.limit, "limit", o.limit, "do `N` jobs of a run at a time")
	flag.DurationVar(&o.writeTimeout, "write-timeout", o.writeTimeout, "how long a client may take to accept a message, or not answer pings")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Usage: stream [flags]

Stream serves a web page with a button, which sends a list of jobs through a websocket.
The websocket is /ws?client=ID. There is one connection for each ID: a newer one replaces
the older, which is closed with status 4001. A text message is a list of jobs:

  [{"id":"a","kind":"sleep","ms":500}, {"id":"b","kind":"hash","text":"x","rounds":1000000}]

The server sends, each with the number of the run that the list began:

  {"type":"started","run":7,"jobs":2}
  {"type":"result","run":7,"job":1,"id":"a","value":"slept 500ms"}
  {"type":"result","run":7,"job":2,"id":"b","error":"..."}
  {"type":"finished","run":7,"jobs":2}
  {"type":"replaced","run":7,"by":8}          pressed again before its end
  {"type":"refused","run":9,"error":"..."}    no list of jobs; run 8 continues

/debug/tasks shows what runs in the server, to browsers on its machine.

`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || o.limit < 1 || o.writeTimeout < time.Millisecond {
		fmt.Fprintln(os.Stderr, "stream: flags must be positive, and there are no arguments; run stream -h for help")
		os.Exit(2)
	}
	lines := droplog.New(os.Stderr) // a log that is not read must not stop the server
	log := slog.New(slog.NewTextHandler(lines, nil))
	tasktree.OnSignal(os.Stderr) // SIGUSR1 prints what runs
	program := serve.Program{Name: "stream", Grace: 2 * o.writeTimeout, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	program.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		serve.Cleanup(ctx, func(context.Context) error { lines.Close(); return nil })
		l, err := net.Listen("tcp", o.addr)
		if err != nil {
			return err
		}
		log.Info("listening", "addr", l.Addr().String(), "page", "http://"+l.Addr().String()+"/")
		return serve.HTTP(ctx, &http.Server{Handler: newServer(o, log).handler(), ReadHeaderTimeout: 10 * time.Second}, l)
	})
}
