package grpcscope

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// A Server makes the interceptors of a server. They run each handler as the body of a
// nursery, which [Nursery] returns, and send the errors of nurseries as details of the
// status: see the package documentation.
//
// The zero value is ready for use. Its fields must not be changed once a method has been
// called, and a Server must not be copied. Its methods may be called by any number of
// goroutines.
type Server struct {
	// Call has the settings of the nursery of each call. A Timeout there is the server's own
	// limit: a call that it cuts short ends with the code DeadlineExceeded, which is a real
	// error to the client. With Keep -1 the first failure is kept all the same, because it
	// is the answer.
	Call nursery.Config

	// Reasons shows to handlers what clients claim about their cancellations, as the cause of
	// the context: see [ClientCanceled]. It needs [Server.Register]: without it, Serve and the
	// first call panic. The cancellation of a call whose client sends reasons may reach its
	// handler up to 50 milliseconds late, namely if no reason comes.
	Reasons bool

	// Opaque sends the code and the text of the first failure only: for clients that must not
	// learn the names of tasks, or what else failed. Where the first failure has a status, they are
	// those of the status. A call that the end of the program cuts off does not say why it ends. The
	// errors of handlers that use no nursery are sent as they are.
	Opaque bool

	registered atomic.Bool

	mu      sync.Mutex
	serving []*serving       // guarded by mu; the calls of Serve that have not returned
	calls   map[string]*call // guarded by mu; those that have been announced, by their ids
	early   []early          // guarded by mu; reports without a call, the oldest first, at most maxEarly
}

// ServerOptions returns both interceptors as options for [grpc.NewServer]. Interceptors
// that are chained before them see the final status and panics of handlers and tasks:
// recovery, logging, metrics. Interceptors chained after them run inside the nursery.
func (s *Server) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.Unary()),
		grpc.ChainStreamInterceptor(s.Stream()),
	}
}

// Register registers the service by which clients report why they have canceled a call. It
// is needed if Reasons is set, and must be called before the server serves.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(reportDesc(), reports{s})
	s.registered.Store(true)
}

// mustBeRegistered panics if the server would show no reason although it is to. It does so at
// the first call, whatever the client sends: it must not depend on clients when the mistake
// is found.
func (s *Server) mustBeRegistered() {
	if s.Reasons && !s.registered.Load() {
		panic("grpcscope: Server with Reasons, but without Register: call Register with the gRPC server before it serves")
	}
}

// contextKey is the key of the *call in the context of a handler.
type contextKey struct{}

// Nursery returns the nursery of the call that ctx belongs to. Its tasks are awaited before
// the call ends, also those that the handler has not waited for when it returns; if one
// fails, the context of the handler and of the other tasks is canceled, and the call fails.
//
// Nursery panics if ctx does not come from a handler of a server that has the interceptors
// of a [Server].
func Nursery(ctx context.Context) *nursery.Nursery {
	c, ok := ctx.Value(contextKey{}).(*call)
	if !ok {
		panic("grpcscope: Nursery with a context that is not a call's: give the server the interceptors of a Server")
	}
	c.own.Store(true)
	return c.nursery
}

// Unary returns the interceptor for calls with one request and one response. It returns
// when the handler and all tasks of the call's nursery have ended.
func (s *Server) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		c := s.begin(ctx, info.FullMethod)
		defer s.end(c)
		err = s.run(c, info.FullMethod, func(ctx context.Context) (err error) {
			resp, err = handler(ctx, req)
			return err
		})
		if err == nil {
			return resp, nil
		}
		return nil, s.answer(c, err, func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) })
	}
}

// Stream returns the interceptor for all other calls. Errors of RecvMsg and SendMsg that
// result from the end of the call are cancellations of the handler's context. Tasks of the
// nursery may use the stream until they have ended, also when the handler has returned.
func (s *Server) Stream() grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		c := s.begin(stream.Context(), info.FullMethod)
		defer s.end(c)
		if c.base != nil && info.FullMethod == healthgrpc.Health_Watch_FullMethodName {
			w := &watchStream{ServerStream: stream}
			stream, handler = w, untilClosing(c.base, w, handler)
		}
		err := s.run(c, info.FullMethod, func(ctx context.Context) error {
			return handler(srv, newServerStream(ctx, stream, c))
		})
		if err == nil {
			return nil
		}
		return s.answer(c, err, stream.SetTrailer)
	}
}

// run runs the handler as the body of a nursery. In the tree that package tasktree shows, and
// where a program names what its drain waits for, the call is a task with the name of the
// method.
func (s *Server) run(c *call, method string, handler func(ctx context.Context) error) error {
	var returned error
	c.own.Store(s.Call.Timeout != 0)
	ctx := c.ctx
	if record.Active() {
		node := record.New(record.Task, ctx, record.Of(ctx), method, nil)
		tree.Link(node)
		node.Enter()
		defer node.End()
		ctx = node
	}
	config := s.Call
	if config.Keep == -1 {
		config.Keep = 1 // which is the answer
	}
	err := config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		c.nursery = n
		returned = handler(context.WithValue(ctx, contextKey{}, c))
		return returned
	})
	if err == nil && returned != nil {
		// The nursery's scope was canceled by hand or by its own limit, and has absorbed
		// that. The call has no result for all that, and must not seem to have one.
		return &ownEnd{c.nursery.Scope().Cause()}
	}
	return err
}

// An ownEnd says that the scope of a call ended the call.
type ownEnd struct{ cause error }

func (e *ownEnd) Error() string { return e.cause.Error() }

func (e *ownEnd) GRPCStatus() *status.Status {
	return status.New(status.FromContextError(e.cause).Code(), cut(textOf(e.cause), maxText))
}

// answer returns the error to end the call with.
func (s *Server) answer(c *call, err error, setTrailer func(metadata.MD)) error {
	canceled, real := cancelscope.Split(c.ctx, err)
	if real == nil {
		return s.canceled(c, canceled)
	}
	code, answer := s.failure(real)
	if (code == codes.Canceled || code == codes.DeadlineExceeded) && !c.remote() {
		setTrailer(metadata.Pairs(ownKey, strconv.Itoa(int(code))))
	}
	return answer
}

// canceled returns the answer to a call that ended because its context is done. If that
// is the client's doing, the client does not get it.
func (s *Server) canceled(c *call, err error) error {
	if !c.remote() && c.base != nil && c.base.Err() != nil {
		text := "server is shutting down"
		if !s.Opaque {
			text += ": " + cut(textOf(context.Cause(c.base)), maxText)
		}
		return &statusError{err, status.New(codes.Unavailable, text)}
	}
	code := codes.Canceled
	if c.ctx.Err() == context.DeadlineExceeded {
		code = codes.DeadlineExceeded
	}
	return &statusError{err, status.New(code, cut(textOf(err), maxText))}
}

// failure returns the code of a call that failed, and the answer to it.
func (s *Server) failure(err error) (codes.Code, error) {
	if body := onlyBody(err); body != nil {
		if err = body; !structured(err) {
			return codeOf(err), err
		}
	}
	if s.Opaque {
		first := firstFailure(err)
		st, ok := status.FromError(first)
		if !ok || st.Code() == codes.OK {
			st = encode(first)
		}
		return st.Code(), &statusError{err, status.New(st.Code(), cut(st.Message(), maxText))}
	}
	st := encode(err)
	return st.Code(), &statusError{err, st}
}
