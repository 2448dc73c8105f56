package grpcscope

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// farewell is how long handlers that have been canceled may take to answer before their
// connections are closed.
const farewell = time.Second

// Serve serves g, which must have the interceptors of s, on l, until the program that ctx
// belongs to drains, or until ctx is done. It is [serve.Graceful] for gRPC, and belongs
// into a task of the nursery of serve.Main or [serve.Program.Run]:
//
//   - When the drain begins, the status of all services of h becomes NOT_SERVING; h may be
//     nil. Handlers learn of it from serve.Draining(ctx) with their own context, and
//     streams should then come to their end.
//   - When nothing new is accepted any more, l is closed, and clients are sent a GOAWAY:
//     they open new connections elsewhere, and calls in progress continue. Serve returns
//     nil when all calls have ended. Calls that watch the status of health are ended, after
//     the status NOT_SERVING if the last one was SERVING.
//   - When ctx is done, because the program's grace has passed or something has failed,
//     the contexts of all handlers are canceled, with the cause of ctx. A call that ends
//     because of that has the code Unavailable, which many clients take as advice to try
//     another server. After a second the connections are closed.
//
// The contexts of handlers have the values of ctx, beside those of gRPC, which come first.
// So they belong to the program, but not to the scopes around Serve.
//
// Serve returns when the server has stopped and all handlers have ended, also if it is stopped from
// elsewhere. The error is that of g.Serve, which cancels the handlers too, or the cancellation of
// ctx. Several calls with one g, for several listeners, end together. Calls for several g should be
// given the same ctx; if one g fails while others serve, its handlers end when its connections are
// closed, after a second. When all calls have returned, Serve may be called again, with another g.
//
// Serve panics if ctx, g or l is nil, or if s has Reasons and Register was not called. It closes l.
func (s *Server) Serve(ctx context.Context, g *grpc.Server, l net.Listener, h *health.Server) error {
	if ctx == nil || g == nil || l == nil {
		panic("grpcscope: Serve with a nil context, server or listener: pass the context of the task")
	}
	s.mustBeRegistered()
	defer s.endServe(s.beginServe(ctx, g))
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		if h != nil {
			n.Background("health", func(background context.Context) error {
				select {
				case <-serve.Draining(ctx):
				case <-ctx.Done():
				case <-background.Done():
					return nil
				}
				h.Shutdown()
				return nil
			})
		}
		return serve.Graceful(ctx,
			func() error { return s.runServer(ctx, g, l) },
			func(context.Context) error { g.GracefulStop(); return nil },
			func() { stop(g) })
	})
	if err == nil {
		// The calls may have ended because ctx is done, before that was seen by Graceful, whose
		// context is inside of ctx.
		return context.Cause(ctx)
	}
	return nursery.First(err)
}

// A serving is a call of Serve.
type serving struct {
	// Read-only.
	server *grpc.Server
	base   context.Context // for the calls that begin while it is the oldest one
	cancel context.CancelCauseFunc

	calls atomic.Int64 // those with base that have not ended
	left  atomic.Bool  // Serve returns
}

// beginServe makes a call of Serve known.
func (s *Server) beginServe(ctx context.Context, g *grpc.Server) *serving {
	v := &serving{server: g}
	v.base, v.cancel = context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = append(s.serving, v)
	return v
}

// endServe is called at the end of Serve. Calls to another server may still have the context.
func (s *Server) endServe(v *serving) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = slices.DeleteFunc(s.serving, func(other *serving) bool { return other == v })
	v.left.Store(true)
	v.release()
}

// release gives the context back when Serve and the calls have ended.
func (v *serving) release() {
	if v.left.Load() && v.calls.Load() == 0 {
		v.cancel(nil)
	}
}

// joined returns the oldest call of Serve, for a call that begins, nil without one.
func (s *Server) joined() *serving {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.serving) == 0 {
		return nil
	}
	s.serving[0].calls.Add(1)
	return s.serving[0]
}

// end is called at the end of a call that has the context.
func (v *serving) end() {
	v.calls.Add(-1)
	v.release()
}

// fail cancels the handlers of g, unless there are also those of another server: it is not known
// which are which, and stop ends them.
func (s *Server) fail(g *grpc.Server, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.serving, func(v *serving) bool { return v.server != g }) {
		return
	}
	for _, v := range s.serving {
		v.cancel(err)
	}
}

// runServer serves g on l until g is stopped, and waits for its handlers. If g fails, they are canceled.
func (s *Server) runServer(ctx context.Context, g *grpc.Server, l net.Listener) error {
	err := g.Serve(l)
	switch {
	case err == nil:
		g.GracefulStop() // after a Stop from elsewhere this waits for handlers, which Stop does not
	case err == grpc.ErrServerStopped && isOver(ctx):
		return nil // the end of the program was faster than its beginning
	default:
		s.fail(g, err)
		stop(g)
	}
	return err
}

// isOver reports whether ctx is done, or its program accepts nothing new any more.
func isOver(ctx context.Context) bool {
	select {
	case <-serve.Closing(ctx):
		return true
	default:
		return ctx.Err() != nil
	}
}

// stop ends a server whose handlers have been canceled. It waits for all of them.
func stop(g *grpc.Server) {
	stopped := make(chan struct{})
	limit := time.AfterFunc(farewell, func() {
		defer close(stopped)
		g.Stop()
	})
	g.GracefulStop()
	if !limit.Stop() {
		<-stopped
	}
}

// errDraining ends what would keep a server from draining.
var errDraining = status.Error(codes.Unavailable, "server is draining")

// A watchStream is the server's side of a call that watches the health of the server.
type watchStream struct {
	grpc.ServerStream
	last healthgrpc.HealthCheckResponse_ServingStatus // of the call that sends
}

func (w *watchStream) SendMsg(m any) error {
	if r, ok := m.(*healthgrpc.HealthCheckResponse); ok {
		w.last = r.Status
	}
	return w.ServerStream.SendMsg(m)
}

// untilClosing returns a handler that ends when nothing new is accepted any more: that of
// calls which watch the health of the server, and have no end of their own.
func untilClosing(base context.Context, w *watchStream, handler grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		scope := Nursery(stream.Context()).Scope()
		Nursery(stream.Context()).Background("drain", func(ctx context.Context) error {
			select {
			case <-serve.Closing(base):
				scope.Cancel(errDraining)
			case <-ctx.Done():
			}
			return nil
		})
		err := handler(srv, stream)
		if c, ok := scope.Cause().(*cancelscope.Canceled); ok && c.Reason() == errDraining {
			w.lastStatus(base, stream.(*serverStream))
			return errDraining
		}
		return err
	}
}

// lastStatus sends NOT_SERVING to a client of which the last status is SERVING: if the program
// does not linger, the handler may have been canceled before it got to that.
func (w *watchStream) lastStatus(base context.Context, own *serverStream) {
	ctx, cancel := context.WithTimeout(base, farewell) // the client may not read
	defer cancel()
	last := &healthgrpc.HealthCheckResponse{Status: healthgrpc.HealthCheckResponse_NOT_SERVING}
	// Before this, the lane sends what the handler was interrupted for. An error says that the
	// call is over, or that it will be.
	_ = own.lanes.send.sendMsg(ctx, last, func(m any) error {
		if w.last != healthgrpc.HealthCheckResponse_SERVING {
			return nil
		}
		return own.send(m)
	})
}
