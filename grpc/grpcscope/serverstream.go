package grpcscope

import (
	"context"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
)

// streamKey is the key of the *serverStream in the context of a handler.
type streamKey struct{}

// A serverStream is the handler's side of a stream.
type serverStream struct {
	grpc.ServerStream // RecvMsg and SendMsg may run at the same time

	// Read-only.
	ctx   context.Context // of the handler
	call  *call
	lanes *lanes

	bound atomic.Bool // BindServer has taken over
}

func newServerStream(ctx context.Context, stream grpc.ServerStream, c *call) *serverStream {
	s := &serverStream{ServerStream: stream, call: c, lanes: newLanes()}
	s.ctx = context.WithValue(ctx, streamKey{}, s)
	return s
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) RecvMsg(m any) error {
	if s.direct() {
		return s.receive(m)
	}
	return s.lanes.receive.receiveMsg(s.ctx, m, s.receive)
}

func (s *serverStream) SendMsg(m any) error {
	if s.direct() {
		return s.send(m)
	}
	return s.lanes.send.sendMsg(s.ctx, m, s.send)
}

// direct reports whether calls may wait for as long as the stream lasts: because the context of
// the handler ends with the stream and not before, or because a bound stream makes them. It
// saves a goroutine for each message.
func (s *serverStream) direct() bool { return s.bound.Load() || !s.call.own.Load() }

func (s *serverStream) receive(m any) error { return s.outcome(s.ServerStream.RecvMsg(m)) }

func (s *serverStream) send(m any) error { return s.outcome(s.ServerStream.SendMsg(m)) }

// outcome returns an error that results from the end of the stream as a cancellation of the call.
// No status comes from the client, so there is nothing else that it could be.
func (s *serverStream) outcome(err error) error {
	if err == nil || err == io.EOF || s.call.stream.Err() == nil {
		return err
	}
	st, _ := status.FromError(err)
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable:
	default:
		return err
	}
	// Which is held back until the reason is there, and comes later or never below a shield.
	select {
	case <-s.ctx.Done():
	case <-s.call.ctx.Done():
	}
	return &statusError{cancelscope.AsCancellation(s.ctx, err), st}
}
