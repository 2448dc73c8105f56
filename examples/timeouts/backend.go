package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
)

// withServers starts a local server for each of the handlers, calls fn with
// their URLs, and returns when fn has and the servers have ended.
//
// The nursery of the servers is shielded, and fn has the context outside: at
// a signal fn ends first, and then the servers. If both were canceled
// at once, a server that breaks off could look like one that fails.
func (p *program) withServers(ctx context.Context, handlers []http.Handler, fn func(urls []string) error) error {
	var fnErr error
	err := nursery.Config{Name: "servers"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Scope().SetShield(true)
		defer n.Scope().Cancel(nil)
		urls := make([]string, len(handlers))
		for i, h := range handlers {
			url, err := nursery.Start(ctx, n, func(ctx context.Context, started func(url string)) error {
				l, err := p.listen()
				if err != nil {
					return err
				}
				started("http://" + l.Addr().String() + "/")
				return webserver.Run(ctx, l, h)
			})
			if err != nil {
				return err
			}
			urls[i] = url
		}
		// Not as an error of this nursery, which has been canceled by then, and
		// would take the cancellation of fn for its own.
		fnErr = fn(urls)
		return nil
	})
	if err != nil {
		return err
	}
	return fnErr
}

// localhost listens on any free port, for this machine only.
func localhost() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// slow answers after d, unless the client has gone before.
func slow(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sleep(r, d)
		fmt.Fprintf(w, "It took me %v.\n", d)
	}
}

// sleep waits for d. If the request ends before, so does the handler, without
// an answer: one that simply returned would send an empty one.
func sleep(r *http.Request, d time.Duration) {
	if deadline.Sleep(r.Context(), d) != nil {
		panic(http.ErrAbortHandler)
	}
}

// backend does the work of the requests of a group, which come with their
// number, as in /?n=25.
func backend(o options) http.HandlerFunc {
	work := slow(o.work)
	return func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		case n == o.hang:
			sleep(r, 1<<63-1) // what every network call may come to
		case n == o.fail:
			sleep(r, o.work)
			http.Error(w, "This one cannot be done.", http.StatusInternalServerError)
		default:
			work(w, r)
		}
	}
}
