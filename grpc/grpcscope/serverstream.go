package grpcscope

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
)

// A serverStream is the handler's side of a stream.
type serverStream struct {
	grpc.ServerStream // RecvMsg and SendMsg may run at the same time

	// Read-only.
	ctx  context.Context // of the handler
	call *call
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) RecvMsg(m any) error { return s.outcome(s.ServerStream.RecvMsg(m)) }

func (s *serverStream) SendMsg(m any) error { return s.outcome(s.ServerStream.SendMsg(m)) }

// outcome returns an error that comes of the end of the stream as a cancellation of the
// handler's context. No status comes from the client, so there is nothing else that it
// could be.
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
	<-s.ctx.Done() // which is held back until the reason is there
	return &statusError{cancelscope.AsCancellation(s.ctx, err), st}
}
