package serve

import (
	"context"
	"errors"
	"net/http"

	"github.com/trellis-go/trellis/nursery"
)

// Graceful runs a server that has a shutdown of its own. It calls run, which serves until
// the server is shut down. When the program accepts nothing new any more, it calls drain,
// which shuts the server down in good order and returns when that is done. If ctx is done
// while run or drain has not returned, it calls stop, which ends the server at once. With
// gRPC:
//
//	err := serve.Graceful(ctx,
//		func() error { return server.Serve(l) },
//		func(context.Context) error { server.GracefulStop(); return nil },
//		server.Stop)
//
// Graceful returns when all the functions that it has called have returned. drain gets
// ctx. Each of drain and stop is called at most once, and not once Graceful has seen that
// run has returned by itself; stop may be called while drain runs. If ctx is done, or
// nothing new is accepted any more, before Graceful is called, run is still called, and
// drain or stop follow at once.
//
// The result is the error of run and of drain, except for http.ErrServerClosed, which
// says that the server was shut down; or the cancellation of ctx, if ctx was done before
// both had returned, or stop was called. A run that returns nil by itself ends Graceful
// with nil. If stop is nil, drain alone has to end the server, by its ctx: it is called
// when ctx is done as well.
//
// Graceful panics if ctx, run or drain is nil.
func Graceful(ctx context.Context, run func() error, drain func(ctx context.Context) error, stop func()) error {
	switch {
	case ctx == nil:
		panic("serve: Graceful with a nil context: pass the context of the task")
	case run == nil || drain == nil:
		panic("serve: Graceful with a nil function: there is nothing to run, or nothing to drain it with")
	}
	ran := make(chan struct{})
	g := &graceful{ctx: ctx, drain: drain, stop: stop, ran: ran, drained: make(chan struct{})}
	d := drainOf(ctx)
	config := nursery.Config{Name: "graceful"} // which is in no error, because of First
	return nursery.First(config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("run", func(context.Context) error {
			defer close(ran)
			if err := run(); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		return g.end(ctx, n, d)
	}))
}

// A graceful is a server that Graceful runs.
type graceful struct {
	// Used by the goroutine of Graceful only.
	ctx     context.Context // given to Graceful
	drain   func(ctx context.Context) error
	stop    func()
	ran     <-chan struct{} // closed when run has returned; nil when that has been seen
	drained chan struct{}   // closed when drain has returned; nil when that has been seen
}

// end ends the server when it is time.
func (g *graceful) end(ctx context.Context, n *nursery.Nursery, d *drain) error {
	select {
	case <-g.ran:
		return nil
	case <-d.closes():
		if isClosed(g.ran) { // first, and may be why the program drains
			return nil
		}
	case <-ctx.Done():
		if isClosed(g.ran) { // first, and may be why ctx is done
			return nil
		}
		if g.stop != nil {
			g.stop()
			return context.Cause(ctx)
		}
	}
	ran, drained := g.ran, g.drained
	n.GoNamed("drain", func(ctx context.Context) error {
		defer close(drained)
		if isClosed(ran) { // meanwhile
			return nil
		}
		return g.drain(ctx)
	})
	for range 2 { // run and drain
		select {
		case <-g.ran:
			g.ran = nil
		case <-g.drained:
			g.drained = nil
		case <-ctx.Done():
			if g.stop != nil {
				g.stop()
			}
			return context.Cause(ctx)
		}
	}
	// What the server did may have ended because its context is done, before that has reached
	// the one here, which is derived from it.
	if g.ctx.Err() != nil {
		return context.Cause(g.ctx)
	}
	return nil
}
