package grpcscope_test

import (
	"context"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
)

// An interceptor of a server that uses the nursery of each call finds one in the call of a report
// too, which a client makes whenever it likes.
func TestNurseryOfAReport(t *testing.T) {
	w := newWitness()
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: w.service()}
	methods := make(chan string, 2)
	s.server = []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		grpcscope.Nursery(ctx).GoNamed("audit", func(context.Context) error {
			methods <- info.FullMethod
			return nil
		})
		return handler(ctx, req)
	})}
	p := s.start(t)
	scope := &cancelscope.Scope{Name: "search"}
	go func() { <-w.entered; scope.Cancel(errBoom) }()
	if err := scope.Run(t.Context(), p.call("")); err != nil {
		t.Errorf("around a call: %v, want nil", err)
	}
	if cause := wait(t, "the cause", w.causes); cause.Error() != `client's scope "search" canceled: boom` {
		t.Errorf("the handler's cause is %v, want the report", cause)
	}
	wait(t, "the task of the call", methods)
	if got := wait(t, "the task of the report", methods); got != "/trellis.v1.Reasons/Report" {
		t.Errorf("the second call was %s, want that of the report", got)
	}
}

// again is an interceptor that makes a second attempt after the code Unavailable, but waits for the
// end of the context before it. If it finds that itself, there is no second attempt.
func again(finds bool) []grpc.DialOption {
	pause := func(ctx context.Context, err error) (bool, error) {
		if status.Code(err) != codes.Unavailable {
			return false, err
		}
		<-ctx.Done()
		return !finds, status.FromContextError(ctx.Err()).Err()
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			more, err := pause(ctx, invoker(ctx, method, req, reply, cc, opts...))
			if more {
				err = invoker(ctx, method, req, reply, cc, opts...)
			}
			return err
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := streamer(ctx, desc, cc, method, opts...)
			return &pausing{s, func(err error) error { _, err = pause(ctx, err); return err }}, err
		}),
	}
}

type pausing struct {
	grpc.ClientStream
	pause func(error) error
}

func (p *pausing) RecvMsg(m any) error { return p.pause(p.ClientStream.RecvMsg(m)) }

// The end of the context between two attempts of an interceptor after those of this package is a
// cancellation. The trailer of the attempt before proves nothing about it.
func TestEndBetweenAttempts(t *testing.T) {
	busy := textservice.Service{
		Unary:  func(context.Context, string) (string, error) { return "", status.Error(codes.Unavailable, "busy") },
		Stream: func(grpc.ServerStream) error { return status.Error(codes.Unavailable, "busy") },
	}
	for _, test := range []struct {
		name string
		addr string
		opts []grpc.DialOption
	}{
		{name: "plain", addr: plain(t, busy), opts: again(false)},
		{name: "plain, found by the interceptor", addr: plain(t, busy), opts: again(true)},
		{name: "with interceptors", addr: setup{Service: busy}.start(t).addr, opts: again(false)},
		{name: "with interceptors, found by the interceptor", addr: setup{Service: busy}.start(t).addr, opts: again(true)},
	} {
		cc := dial(t, test.addr, append(append([]grpc.DialOption{insecureOption}, grpcscope.Client{}.DialOptions()...), test.opts...)...)
		unary := func(ctx context.Context) error {
			_, err := textservice.Call(ctx, cc, "")
			return err
		}
		stream := func(ctx context.Context) error {
			s, err := textservice.Open(ctx, cc, textservice.Down)
			if err == nil {
				err = textservice.Send(s, "")
			}
			if err == nil || err == io.EOF {
				_, err = textservice.Receive(s)
			}
			return err
		}
		for kind, call := range map[string]func(context.Context) error{"unary": unary, "stream": stream} {
			for _, limit := range []bool{false, true} {
				var s cancelscope.Scope
				if limit {
					s.SetTimeout(100 * time.Millisecond)
				} else {
					timer := time.AfterFunc(100*time.Millisecond, func() { s.Cancel(errBoom) })
					defer timer.Stop()
				}
				err := s.Run(t.Context(), call)
				if err != nil || !s.CanceledCaught() {
					t.Errorf("%s, %s, limit %t: the scope returned %v, want nil and a cancellation that was caught", test.name, kind, limit, err)
				}
			}
		}
	}
}

// A context that is derived from the caller's may be canceled when the deadline of the caller's
// passes. The call is no failure then.
func TestCanceledAfterTheDeadline(t *testing.T) {
	cc := dial(t, "127.0.0.1:1", append(append([]grpc.DialOption{insecureOption}, grpcscope.Client{}.DialOptions()...),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			<-ctx.Done()
			return status.FromContextError(context.Canceled).Err() // as gRPC does
		}))...)
	expired, err := deadline.MoveOnAfter(t.Context(), 10*time.Millisecond, func(ctx context.Context) error {
		_, err := textservice.Call(ctx, cc, "")
		return err
	})
	if !expired || err != nil {
		t.Errorf("MoveOnAfter = %t, %v, want true, nil", expired, err)
	}
}
