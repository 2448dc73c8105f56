package webserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

const (
	// requestLimit bounds the time for a request with its body, and answerLimit
	// the time until the answer has been taken, so that a client cannot hold a
	// connection by sending or reading one byte a minute. Handlers that take longer set
	// limits of their own, with http.ResponseController. Connections that were
	// taken over have none.
	requestLimit = 10 * time.Second
	answerLimit  = time.Minute

	// idleLimit bounds the time between two requests on one connection.
	idleLimit = time.Minute

	// grace is how long requests may take to end once they are canceled. Those
	// that are still stuck in reading a body or writing an answer are cut off
	// then. It is not for connections that a handler has taken over.
	grace = 5 * time.Second
)

// Run serves HTTP on l until ctx is done, and returns when every handler has
// returned, those of websockets and other connections that were taken over
// included.
//
// When ctx is done, Run closes l at once, as well as connections without a
// request, and cancels the contexts of all requests, which lie inside ctx. It
// then waits for the handlers. Those that answer in the usual way have five
// seconds until their connections are cut, which ends a handler that waits for
// its client; a handler that waits for something else, and does not look at its
// context, holds Run up, and so does one that has taken its connection over and
// does not close it.
//
// The error is nil if ctx was done and no connection had to be cut. If l fails,
// the requests are canceled and awaited likewise, and the error is that of l, in
// a [*nursery.Error]. Run always closes l. A handler that panics ends its own
// connection only, and is logged with [slog.Default], where all that the server
// has to say goes.
func Run(ctx context.Context, l net.Listener, handler http.Handler) error {
	return nursery.Config{Name: "webserver"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		// The tasks of net/http are not ours to start, so they are counted.
		var running sync.WaitGroup
		server := &http.Server{
			Handler:      counted(handler, &running),
			BaseContext:  func(net.Listener) context.Context { return ctx },
			ConnState:    watch(ctx, &running),
			ReadTimeout:  requestLimit,
			WriteTimeout: answerLimit,
			IdleTimeout:  idleLimit,
			ErrorLog:     slog.NewLogLogger(slog.Default().Handler(), slog.LevelError),
		}
		n.GoNamed("serve", func(context.Context) error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})

		<-ctx.Done() // of the caller, or because Serve has failed
		err := stop(ctx, server)
		running.Wait() // nothing is added from zero any more: Shutdown has awaited Serve
		return err
	})
}

// stop ends the server but for connections that were taken over. It is called
// in a scope that has been canceled, where without the shield Shutdown would
// wait for nothing.
func stop(ctx context.Context, server *http.Server) error {
	err := cancelscope.Shield(ctx, grace, server.Shutdown)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests that ran for %v after their cancellation were cut off", grace)
		server.Close()
	}
	return err
}

// counted returns handler with its calls counted in running.
func counted(handler http.Handler, running *sync.WaitGroup) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The connection is counted at this moment, so a Wait cannot end
		// meanwhile.
		running.Add(1)
		defer running.Done()
		defer logPanic(r)
		handler.ServeHTTP(w, r)
	})
}

// logPanic is deferred. What it does, net/http does as well, but for connections
// that were taken over only when their handlers count as ended: the program may
// be gone by then.
func logPanic(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		slog.Error("handler panicked", "request", r.Method+" "+r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler) // which ends the connection without a word
}

// watch returns a hook that counts in running the connections that the server
// has, which are not those that were taken over.
//
// When ctx is done, it also closes connections that have not sent a request, which
// browsers open in advance, and ends the wait for bodies: a server reads what is
// left of one when the handler has returned. Shutdown would give both five
// seconds.
func watch(ctx context.Context, running *sync.WaitGroup) func(net.Conn, http.ConnState) {
	var waiting sync.Map // of net.Conn, to what ends its wait
	return func(c net.Conn, state http.ConnState) {
		spared := true
		if e, ok := waiting.LoadAndDelete(c); ok {
			spared = e.(*ending).spare()
		}
		switch state {
		case http.StateNew:
			running.Add(1)
			waiting.Store(c, endAfter(ctx, func() { c.Close() }))
		case http.StateActive:
			waiting.Store(c, endAfter(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) }))
		case http.StateHijacked:
			if !spared {
				c.SetReadDeadline(time.Time{}) // it may have been set since net/http did this
			}
			running.Done()
		case http.StateClosed:
			running.Done()
		}
	}
}

// An ending ends the wait of a connection when a context is done.
type ending struct {
	stop func() bool
	over chan struct{} // closed when the wait has been ended
}

func endAfter(ctx context.Context, end func()) *ending {
	e := &ending{over: make(chan struct{})}
	e.stop = context.AfterFunc(ctx, func() {
		defer close(e.over)
		end()
	})
	return e
}

// spare reports whether the connection has been left alone, and always will be.
func (e *ending) spare() bool {
	if e.stop() {
		return true
	}
	<-e.over
	return false
}
