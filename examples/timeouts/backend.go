package main

import (
	"context"
	"errors"
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
// a signal fn ends first, and then the servers. Were both canceled at once, a
// client could take what a server says that breaks off for an answer.
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
	return errors.Join(fnErr, err)
}

// localhost listens on any free port, for this machine only.
func localhost() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// forever is what every network call may come to.
const forever time.Duration = 1<<63 - 1

// backend does the work of the requests of a group, which come with their
// number, as in /?n=25.
func backend(o options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("n") {
		case strconv.Itoa(o.hang):
			after(forever, http.StatusOK)(w, r)
		case strconv.Itoa(o.fail):
			after(o.work, http.StatusInternalServerError)(w, r)
		default:
			after(o.work, http.StatusOK)(w, r)
		}
	}
}

// after answers when d has passed.
func after(d time.Duration, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if deadline.Sleep(r.Context(), d) != nil {
			return // the client has gone: nobody would read the answer
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "It took me %v.\n", d)
	}
}
