package grpcscope

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// A Client makes the interceptors of a client. They return the error of a call that ended
// because its context is done as a cancellation of that context, and restore the errors of a
// nursery that the server's interceptors have sent: see the package documentation.
//
// The zero value is ready for use. A Client may be copied, and its methods may be called by
// any number of goroutines.
type Client struct {
	// Reasons sends with each call which scope its deadline belongs to, and after a
	// cancellation which scope was canceled, by what, and why. A server with
	// [Server.Reasons] shows that to its handlers. Names of scopes and texts of errors leave
	// the program, so Reasons is for servers that may know them.
	//
	// A call that was canceled then returns when the server has taken the reason, or after
	// at most 20 milliseconds.
	Reasons bool
}

// DialOptions returns both interceptors as options for [grpc.NewClient]. Interceptors that
// are chained before them see what the caller sees; interceptors chained after them see
// the bare statuses.
func (c Client) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(c.Unary()),
		grpc.WithChainStreamInterceptor(c.Stream()),
	}
}

// Unary returns the interceptor for calls with one request and one response. It blocks as
// long as the call does.
func (c Client) Unary() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if method == reportMethod {
			return invoker(ctx, method, req, reply, cc, opts...)
		}
		o := &outgoing{ctx: ctx, cc: cc, method: method}
		var trailer, last metadata.MD
		opts = append(slices.Clip(opts), grpc.Trailer(&trailer), grpc.OnFinish(func(err error) {
			o.finish(err)
			last, trailer = trailer, nil // so that the next attempt does not seem to have it
		}))
		sent := ctx
		if c.Reasons {
			sent = o.announce()
			opts = append(opts, grpc.Peer(&o.peer))
		}
		err := invoker(sent, method, req, reply, cc, opts...)
		if err == nil {
			return nil
		}
		if o.ended.Load() == 0 {
			last = trailer // of a call that another package has made
		}
		outcome, canceled := o.outcome(err, last)
		if canceled && o.id != "" && o.peer.Addr != nil { // without a peer the call has reached no server
			o.report()
		}
		return outcome
	}
}

// Stream returns the interceptor for all other calls. The errors that it converts are those
// of the creation of the stream, of RecvMsg and of SendMsg. As with every gRPC stream, an
// io.EOF of SendMsg says that the stream has ended, and RecvMsg says why; it is returned
// unchanged, because the server may have ended the stream with a failure.
func (c Client) Stream() grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		o := &outgoing{ctx: ctx, cc: cc, method: method}
		sent := ctx
		if c.Reasons {
			sent = o.announce()
		}
		opts = append(slices.Clip(opts), grpc.OnFinish(o.finish))
		stream, err := streamer(sent, desc, cc, method, opts...)
		if err != nil {
			err, _ = o.outcome(err, nil)
			return nil, err
		}
		s := &clientStream{ClientStream: stream, call: o, many: desc.ServerStreams}
		if o.id != "" {
			s.reported = make(chan struct{})
			s.stop = context.AfterFunc(ctx, func() {
				defer close(s.reported)
				o.report()
			})
		}
		return s, nil
	}
}

// outgoing is a call at the client.
type outgoing struct {
	ctx    context.Context  // the caller's
	cc     *grpc.ClientConn // nil if the call is made by another package than grpc
	method string
	id     string    // by which the server knows the call; "" if no reason is sent
	limit  time.Time // of a call with an id: the deadline that is sent with it; zero if there is none
	peer   peer.Peer // of a unary call with an id, once it has ended

	ended atomic.Int64 // the code of the attempt that has ended last, plus 1; zero before that
}

// finish is called by gRPC when the call has ended. An interceptor after those of this package may
// make several attempts.
func (o *outgoing) finish(err error) { o.ended.Store(int64(status.Code(err)) + 1) }

// A clientStream is the caller's side of a stream.
type clientStream struct {
	grpc.ClientStream // RecvMsg and SendMsg may run at the same time

	// Read-only.
	call     *outgoing
	many     bool          // the server sends any number of messages
	stop     func() bool   // of the AfterFunc that reports the reason; nil if there is none
	reported chan struct{} // closed by that function

	last error // only of RecvMsg; its first error, which is final

	once sync.Once // the end of the report
}

// RecvMsg returns its first error again when it is called after it. Whether that error is a
// cancellation is decided only once: the caller may cancel its context after the stream has
// ended.
func (s *clientStream) RecvMsg(m any) error {
	if s.last != nil {
		return s.last
	}
	err := s.ClientStream.RecvMsg(m)
	switch {
	case err == nil && s.many:
		return nil
	case err == nil || err == io.EOF:
		s.end(false)
		s.last = err
		return err
	}
	outcome, canceled := s.call.outcome(err, s.Trailer())
	s.end(canceled)
	s.last = outcome
	return outcome
}

func (s *clientStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if err == nil || err == io.EOF {
		return err
	}
	outcome, canceled := s.call.outcome(err, nil)
	s.end(canceled)
	return outcome
}

// end is called when the stream has ended, and whether by a cancellation. It waits for a
// report that is under way. If the stream noticed the cancellation before the function that
// reports it could start, end reports it. Several calls of a stream may find its end, and
// only the first of them stops that function: to the others a function that was stopped and
// one that has been started look the same.
func (s *clientStream) end(canceled bool) {
	if s.stop == nil {
		return
	}
	s.once.Do(func() {
		switch {
		case !s.stop():
			<-s.reported
		case canceled:
			s.call.report()
		}
	})
}
