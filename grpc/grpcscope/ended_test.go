package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/trellis-go/trellis/nursery"
)

// ends are the ways in which a stream can end: what the client does after the stream is open,
// and the kind of the stream.
var ends = map[string]struct {
	kind textservice.Kind
	do   func(stream grpc.ClientStream, cancel func()) error
}{
	"in success":                   {textservice.Down, func(stream grpc.ClientStream, _ func()) error { return send(stream, "success") }},
	"after a message":              {textservice.Down, func(stream grpc.ClientStream, _ func()) error { return send(stream, "message") }},
	"with a result":                {textservice.Up, func(stream grpc.ClientStream, _ func()) error { return send(stream, "message") }},
	"in failure":                   {textservice.Down, func(stream grpc.ClientStream, _ func()) error { return send(stream, "failure") }},
	"in failure, without a result": {textservice.Up, func(stream grpc.ClientStream, _ func()) error { return send(stream, "failure") }},
	"canceled": {textservice.Both, func(_ grpc.ClientStream, cancel func()) error {
		cancel()
		return nil
	}},
	"by a call that is not allowed": {textservice.Both, func(stream grpc.ClientStream, _ func()) error {
		if err := stream.CloseSend(); err != nil {
			return err
		}
		if err := textservice.Send(stream, "too late"); status.Code(err) != codes.Internal {
			return fmt.Errorf("SendMsg after CloseSend = %w, want the code Internal", err)
		}
		return nil
	}},
}

func send(stream grpc.ClientStream, text string) error {
	return errors.Join(textservice.Send(stream, text), stream.CloseSend())
}

// ending is a service whose streams end as the first message says.
var ending = textservice.Service{Stream: func(stream grpc.ServerStream) error {
	switch text, err := textservice.Receive(stream); {
	case err != nil:
		<-stream.Context().Done()
		return err
	case text == "failure":
		return status.Error(codes.NotFound, "gone")
	case text == "message":
		return textservice.Send(stream, "a message")
	}
	return nil
}}

// A stream that has ended returns the same errors again, at once, as one of gRPC does: with
// reasons and without, and bound to a context.
func TestRecvMsgAfterTheEnd(t *testing.T) {
	// A stream that the client ends by a mistake is canceled without a reason.
	t.Cleanup(grpcscope.SetPatience(50 * time.Millisecond))
	addrs := map[string]string{
		"server without interceptors": plain(t, ending),
		"server with reasons":         setup{scopes: &grpcscope.Server{Reasons: true}, Service: ending}.start(t).addr,
	}
	// results opens a stream, ends it, and returns the results of four calls.
	results := func(t *testing.T, cc *grpc.ClientConn, kind textservice.Kind, bind bool, do func(grpc.ClientStream, func()) error) string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := textservice.Open(ctx, cc, kind)
		if err != nil {
			t.Fatal(err)
		}
		if bind {
			stream = grpcscope.BindClient(t.Context(), stream)
		}
		if err := do(stream, cancel); err != nil {
			t.Fatal(err)
		}
		text := ""
		for range 4 {
			received := make(chan string, 1)
			go func() {
				m, err := textservice.Receive(stream)
				received <- fmt.Sprintf("%q, %v, code %v; ", m, err, status.Code(err))
			}()
			text += wait(t, "RecvMsg of a stream that has ended", received)
		}
		return text
	}
	for server, addr := range addrs {
		bare := dial(t, addr, insecureOption)
		for name, end := range ends {
			for _, reasons := range []bool{false, true} {
				for _, bind := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s, reasons %t, bound %t", server, name, reasons, bind), func(t *testing.T) {
						cc := dial(t, addr, append(grpcscope.Client{Reasons: reasons}.DialOptions(), insecureOption)...)
						want := results(t, bare, end.kind, false, end.do)
						if got := results(t, cc, end.kind, bind, end.do); got != want {
							t.Errorf("RecvMsg = %s\nwant what gRPC returns: %s", got, want)
						}
					})
				}
			}
		}
	}
}

// Calls of RecvMsg on a bound stream may overlap, also when the stream ends.
func TestOverlappingRecvMsgAtTheEnd(t *testing.T) {
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: ending}
	p := s.start(t)
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	bound := grpcscope.BindClient(t.Context(), stream)
	const calls = 5
	received := make(chan error, calls)
	for range calls {
		go func() {
			_, err := textservice.Receive(bound)
			received <- err
		}()
	}
	if err := send(bound, "success"); err != nil {
		t.Fatal(err)
	}
	for range calls {
		if err := wait(t, "RecvMsg", received); err != io.EOF {
			t.Errorf("RecvMsg = %v, want io.EOF", err)
		}
	}
}

// A failure does not become a cancellation when the client cancels its context afterwards.
func TestFailureBeforeACancellation(t *testing.T) {
	addr := plain(t, textservice.Service{Stream: func(grpc.ServerStream) error {
		return status.Error(codes.Canceled, "context canceled")
	}})
	for _, reasons := range []bool{false, true} {
		cc := dial(t, addr, append(grpcscope.Client{Reasons: reasons}.DialOptions(), insecureOption)...)
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := textservice.Open(ctx, cc, textservice.Down)
		if err != nil {
			t.Fatal(err)
		}
		_, first := textservice.Receive(stream)
		cancel()
		_, second := textservice.Receive(stream)
		if second != first || cancelscope.IsCancellation(ctx, second) {
			t.Errorf("reasons %t: RecvMsg = %v, then %v after the context was canceled; want the same failure", reasons, first, second)
		}
	}
}

// A message that the handler's own stream was interrupted for is the first of the stream that
// is bound afterwards.
func TestBindServerAfterAnInterruption(t *testing.T) {
	interrupted := make(chan struct{})
	received := make(chan string, 2)
	p := streaming(t, nil, func(stream grpc.ServerStream) error {
		grpcscope.Nursery(stream.Context()).GoNamed("disk", func(ctx context.Context) error {
			_ = deadline.Sleep(ctx, 20*time.Millisecond) // until the handler waits for a message
			return errBoom
		})
		_, err := textservice.Receive(stream)
		close(interrupted)
		return errors.Join(err, cancelscope.Shield(stream.Context(), soon, func(ctx context.Context) error {
			bound := grpcscope.BindServer(ctx, stream)
			for range cap(received) {
				text, err := textservice.Receive(bound)
				if err != nil {
					return err
				}
				received <- text
			}
			return nil
		}))
	})
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the interruption", interrupted)
	if err := errors.Join(textservice.Send(stream, "first"), textservice.Send(stream, "second")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		if got := wait(t, "a message", received); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
	if _, err := textservice.Receive(stream); err == nil || err.Error() != "disk: boom" {
		t.Errorf("the stream ended with %v, want the failure of the task", err)
	}
}

// A counter counts messages.
type counter struct {
	grpc.ServerStream
}

var counted = make(chan struct{}, 10)

func (c *counter) RecvMsg(m any) error {
	counted <- struct{}{}
	return c.ServerStream.RecvMsg(m)
}

// A stream around a bound one keeps its methods when it is bound again, and does not wait for
// itself.
func TestStreamAroundABoundOne(t *testing.T) {
	for name, bind := range map[string]func(ctx context.Context, s grpc.ServerStream) grpc.ServerStream{
		"bound": func(ctx context.Context, s grpc.ServerStream) grpc.ServerStream {
			return grpcscope.BindServer(ctx, &counter{grpcscope.BindServer(ctx, s)})
		},
		"not bound": func(ctx context.Context, s grpc.ServerStream) grpc.ServerStream {
			return grpcscope.BindServer(ctx, &counter{s})
		},
		"larger": func(ctx context.Context, s grpc.ServerStream) grpc.ServerStream {
			return grpcscope.BindServer(ctx, &struct {
				grpc.ServerStream
				name string
			}{&counter{grpcscope.BindServer(ctx, s)}, "larger"})
		},
	} {
		received := make(chan string, 1)
		p := streaming(t, nil, func(stream grpc.ServerStream) error {
			ctx := stream.Context()
			expired, err := deadline.MoveOnAfter(ctx, soon, func(ctx context.Context) error {
				text, err := textservice.Receive(bind(ctx, stream))
				received <- text
				return err
			})
			if expired {
				t.Errorf("%s: RecvMsg did not end", name)
			}
			return err
		})
		stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
		if err == nil {
			err = textservice.Send(stream, "first")
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := wait(t, "the message", received); got != "first" || len(counted) != 1 {
			t.Errorf("%s: received %q, and the stream around has seen %d calls, want first and 1", name, got, len(counted))
		}
		for len(counted) > 0 {
			<-counted
		}
	}
}

// A handler that a shield hides the client's end from gets the bare status of its stream, and does
// not wait for the end of its own context.
func TestEndOfAShieldedHandler(t *testing.T) {
	for _, call := range []nursery.Config{{Shield: true}, {Adjustable: true}, {Shield: true, Timeout: time.Hour}} {
		for _, reasons := range []bool{false, true} {
			received, entered := make(chan error, 1), make(chan struct{})
			p := streaming(t, &grpcscope.Server{Reasons: reasons, Call: call}, func(stream grpc.ServerStream) error {
				ctx := stream.Context()
				grpcscope.Nursery(ctx).Scope().SetShield(true)
				close(entered)
				_, err := textservice.Receive(stream)
				received <- errors.Join(err, ctx.Err())
				return err
			})
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := textservice.Open(ctx, p.cc, textservice.Both); err != nil {
				t.Fatal(err)
			}
			wait(t, "the handler", entered)
			cancel()
			if err := wait(t, "the end of RecvMsg", received); status.Code(err) != codes.Canceled || errors.Is(err, context.Canceled) {
				t.Errorf("%+v, reasons %t: RecvMsg below a shield = %v, want the status Canceled alone", call, reasons, err)
			}
		}
	}
}
