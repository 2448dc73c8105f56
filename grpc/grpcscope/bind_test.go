package grpcscope_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// streaming is a pair whose streams are handled by handle.
func streaming(t testing.TB, scopes *grpcscope.Server, handle func(stream grpc.ServerStream) error) *pair {
	return setup{scopes: scopes, Service: textservice.Service{Stream: handle}}.start(t)
}

// A task that fails ends a handler that waits for a message, although the client sends none.
func TestFailureEndsRecvMsg(t *testing.T) {
	for name, handle := range map[string]func(stream grpc.ServerStream) error{
		"handler receives": func(stream grpc.ServerStream) error {
			grpcscope.Nursery(stream.Context()).GoNamed("disk", fails(errBoom))
			_, err := textservice.Receive(stream)
			return err
		},
		"task receives": func(stream grpc.ServerStream) error {
			n := grpcscope.Nursery(stream.Context())
			n.GoNamed("receiver", func(context.Context) error {
				_, err := textservice.Receive(stream)
				return err
			})
			n.GoNamed("disk", fails(errBoom))
			return nil
		},
		"nursery of the handler": func(stream grpc.ServerStream) error {
			return nursery.Run(stream.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				stream := grpcscope.BindServer(ctx, stream)
				n.GoNamed("disk", fails(errBoom))
				_, err := textservice.Receive(stream)
				return err
			})
		},
		"handler sends": func(stream grpc.ServerStream) error {
			n := grpcscope.Nursery(stream.Context())
			first := true
			for {
				if err := textservice.Send(stream, strings.Repeat("x", 100_000)); err != nil {
					return err
				}
				if first {
					n.GoNamed("disk", func(ctx context.Context) error {
						_ = deadline.Sleep(ctx, 20*time.Millisecond) // until the window is full
						return errBoom
					})
				}
				first = false
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			handled := make(chan struct{})
			p := streaming(t, nil, func(stream grpc.ServerStream) error {
				defer close(handled)
				return handle(stream)
			})
			stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
			if err != nil {
				t.Fatal(err)
			}
			wait(t, "the handler", handled)
			for err == nil {
				_, err = textservice.Receive(stream)
			}
			if err.Error() != "disk: boom" {
				t.Errorf("the stream ended with %v, want the failure of the task alone", err)
			}
		})
	}
}

// The server's own limit ends a RecvMsg too.
func TestLimitEndsRecvMsg(t *testing.T) {
	p := streaming(t, &grpcscope.Server{Call: nursery.Config{Timeout: 20 * time.Millisecond}}, func(stream grpc.ServerStream) error {
		_, err := textservice.Receive(stream)
		return err
	})
	if err := p.stream(t.Context()); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the stream ended with %v, want the code DeadlineExceeded", err)
	}
}

// A limit around one message ends the wait for it. A message that comes later is not lost.
func TestBoundStreams(t *testing.T) {
	limited := func(ctx context.Context, d time.Duration, bind func(ctx context.Context) textservice.Side) (text string, expired bool, err error) {
		expired, err = deadline.MoveOnAfter(ctx, d, func(ctx context.Context) (err error) {
			text, err = textservice.Receive(bind(ctx))
			return err
		})
		return text, expired, err
	}
	// check expects nothing, lets the other side send two messages, and expects them.
	check := func(ctx context.Context, send func() error, bind func(ctx context.Context) textservice.Side) error {
		for range 3 {
			if text, expired, err := limited(ctx, 10*time.Millisecond, bind); !expired || err != nil {
				return errors.Join(errors.New("a limit around Receive did not expire: "+text), err)
			}
		}
		if err := send(); err != nil {
			return err
		}
		for _, want := range []string{"first", "second"} {
			if text, expired, err := limited(ctx, soon, bind); text != want || expired || err != nil {
				return errors.Join(errors.New("received "+text+", want "+want), err)
			}
		}
		return nil
	}
	sendTwo := func(s textservice.Side) error {
		return errors.Join(textservice.Send(s, "first"), textservice.Send(s, "second"))
	}

	t.Run("client", func(t *testing.T) {
		for _, typed := range []bool{false, true} {
			p := streaming(t, nil, func(stream grpc.ServerStream) error {
				for {
					if _, err := textservice.Receive(stream); err == io.EOF {
						return nil
					} else if err != nil {
						return err
					}
					if err := sendTwo(stream); err != nil {
						return err
					}
				}
			})
			ctx := t.Context()
			stream, err := textservice.Open(ctx, p.cc, textservice.Both)
			if err != nil {
				t.Fatal(err)
			}
			bound := grpcscope.BindClient(ctx, stream)
			bind := func(ctx context.Context) textservice.Side {
				if typed {
					return grpcscope.BindClient(ctx, &grpc.GenericClientStream[wrapperspb.StringValue, wrapperspb.StringValue]{ClientStream: bound})
				}
				return grpcscope.BindClient(ctx, bound)
			}
			if err := check(ctx, func() error { return textservice.Send(bound, "go") }, bind); err != nil {
				t.Error(err)
			}
			if err := bound.CloseSend(); err != nil {
				t.Errorf("CloseSend = %v", err)
			}
			if _, err := textservice.Receive(bound); err != io.EOF {
				t.Errorf("at the end: %v, want io.EOF", err)
			}
		}
	})
	t.Run("server", func(t *testing.T) {
		for _, typed := range []bool{false, true} {
			ask := make(chan struct{})
			p := streaming(t, nil, func(stream grpc.ServerStream) error {
				ctx := stream.Context()
				if typed {
					stream = &grpc.GenericServerStream[wrapperspb.StringValue, wrapperspb.StringValue]{ServerStream: stream}
				}
				bound := grpcscope.BindServer(ctx, stream)
				if bound.Context() != ctx {
					return errors.New("the context of a bound stream is another one")
				}
				if typed {
					bound = &grpc.GenericServerStream[wrapperspb.StringValue, wrapperspb.StringValue]{ServerStream: bound}
				}
				bind := func(ctx context.Context) textservice.Side { return grpcscope.BindServer(ctx, bound) }
				return check(ctx, func() error { close(ask); return nil }, bind)
			})
			stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
			if err != nil {
				t.Fatal(err)
			}
			wait(t, "the handler", ask)
			if err := sendTwo(stream); err != nil {
				t.Fatal(err)
			}
			if _, err := textservice.Receive(stream); err != io.EOF {
				t.Error(err)
			}
		}
	})
}

// A handler whose context is done says goodbye in a shield.
func TestGoodbye(t *testing.T) {
	p := streaming(t, nil, func(stream grpc.ServerStream) error {
		ctx := stream.Context()
		grpcscope.Nursery(ctx).Scope().Cancel(errBoom)
		if err := textservice.Send(stream, "lost"); !cancelscope.IsCancellation(ctx, err) || status.Code(err) != codes.Canceled {
			t.Errorf("Send in a canceled handler = %v, want a cancellation", err)
		}
		return cancelscope.Shield(ctx, soon, func(ctx context.Context) error {
			return textservice.Send(grpcscope.BindServer(ctx, stream), "bye")
		})
	})
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := textservice.Receive(stream); text != "bye" || err != nil {
		t.Errorf("the client received %q, %v, want bye", text, err)
	}
	if _, err := textservice.Receive(stream); err != io.EOF {
		t.Errorf("then %v, want io.EOF", err)
	}
}

// A SendMsg that waits because the other side does not read ends with the limit around it. What
// was sent before arrives in order, also the message that was interrupted.
func TestBoundSend(t *testing.T) {
	read, total := make(chan struct{}), make(chan int, 1)
	p := streaming(t, nil, func(stream grpc.ServerStream) error {
		<-read
		for n := 0; ; n++ {
			text, err := textservice.Receive(stream)
			if err == io.EOF {
				total <- n
				return nil
			}
			if err != nil {
				return err
			}
			if want := byte('a' + n%26); text[0] != want {
				t.Errorf("message %d begins with %q, want %q", n, text[0], want)
			}
		}
	})
	ctx := t.Context()
	stream, err := textservice.Open(ctx, p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	bound := grpcscope.BindClient(ctx, stream)
	sent := 0
	send := func(ctx context.Context) error {
		err := textservice.Send(grpcscope.BindClient(ctx, bound), strings.Repeat(string(rune('a'+sent%26)), 50_000))
		sent++
		return err
	}
	for {
		expired, err := deadline.MoveOnAfter(ctx, time.Second, send) // which is long for a busy machine as well
		if err != nil {
			t.Fatalf("message %d: %v", sent, err)
		}
		if expired {
			break
		}
	}
	for _, op := range []func(ctx context.Context) error{
		func(ctx context.Context) error { return textservice.Send(grpcscope.BindClient(ctx, bound), "never") },
		func(ctx context.Context) error { return grpcscope.BindClient(ctx, bound).CloseSend() },
	} {
		if expired, err := deadline.MoveOnAfter(ctx, 10*time.Millisecond, op); !expired || err != nil {
			t.Errorf("behind a message that cannot be sent: %t, %v, want a limit that expires", expired, err)
		}
	}
	close(read)
	if err := send(ctx); err != nil {
		t.Errorf("the next message: %v", err)
	}
	if err := bound.CloseSend(); err != nil {
		t.Errorf("CloseSend = %v", err)
	}
	if _, err := textservice.Receive(bound); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if n := wait(t, "the number", total); n != sent {
		t.Errorf("the server received %d messages, want %d", n, sent)
	}
}

// A bound stream fails at once when its context is done, and ends with the stream.
func TestBoundStreamsEnd(t *testing.T) {
	received := make(chan string, 1)
	p := setup{Service: textservice.Service{Unary: echo, Stream: func(stream grpc.ServerStream) error {
		text, err := textservice.Receive(stream)
		if err == nil {
			received <- text
		}
		return err
	}}}.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := textservice.Open(ctx, p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	var s cancelscope.Scope
	err = s.Run(ctx, func(ctx context.Context) error {
		s.Cancel(errBoom)
		bound := grpcscope.BindClient(ctx, stream)
		for what, err := range map[string]error{
			"RecvMsg": bound.RecvMsg(new(wrapperspb.StringValue)), "SendMsg": bound.SendMsg(new(wrapperspb.StringValue)), "CloseSend": bound.CloseSend(),
		} {
			if !cancelscope.IsCancellation(ctx, err) || status.Code(err) != codes.Canceled || !errors.Is(err, errBoom) {
				t.Errorf("%s under a canceled context = %v, want a cancellation", what, err)
			}
		}
		for range 20 {
			_ = bound.SendMsg(new(wrapperspb.StringValue))
		}
		for range 20 { // more than enough time for a message
			if err := p.call("")(t.Context()); err != nil {
				return err
			}
		}
		if len(received) > 0 {
			t.Error("a message was sent under a canceled context")
		}
		return bound.RecvMsg(new(wrapperspb.StringValue))
	})
	if err != nil || !s.CanceledCaught() {
		t.Errorf("the scope returned %v, want nil and a cancellation that was caught", err)
	}
	// The stream ends while a bound call waits.
	bound := grpcscope.BindClient(t.Context(), stream)
	ended := make(chan error, 1)
	go func() {
		_, err := textservice.Receive(bound)
		ended <- err
	}()
	cancel()
	if err := wait(t, "the end of Receive", ended); status.Code(err) != codes.Canceled {
		t.Errorf("Receive = %v, want the code Canceled", err)
	}
	_, err = textservice.Open(ctx, p.cc, textservice.Both)
	if !cancelscope.IsCancellation(ctx, err) {
		t.Errorf("Open under a canceled context = %v, want a cancellation", err)
	}
}

// A message of another type than the one that was asked for first is an error, not a panic.
func TestBoundStreamsOfSeveralTypes(t *testing.T) {
	answer := make(chan struct{})
	p := streaming(t, nil, func(stream grpc.ServerStream) error {
		<-answer
		return textservice.Send(stream, "text")
	})
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	bound := grpcscope.BindClient(t.Context(), stream)
	_, _ = deadline.MoveOnAfter(t.Context(), 100*time.Millisecond, func(ctx context.Context) error {
		return grpcscope.BindClient(ctx, bound).RecvMsg(new(wrapperspb.StringValue))
	})
	close(answer)
	if err := bound.RecvMsg(new(emptypb.Empty)); status.Code(err) != codes.Internal {
		t.Errorf("RecvMsg of another type = %v, want the code Internal", err)
	}
	if err := bound.RecvMsg(new(emptypb.Empty)); err != io.EOF {
		t.Errorf("then %v, want io.EOF", err)
	}
}

// Misuse panics.
func TestMisuse(t *testing.T) {
	var nowhere context.Context
	for want, f := range map[string]func(){
		"grpcscope: BindClient with a nil context or stream: pass the context of the block":                    func() { grpcscope.BindClient(t.Context(), nil) },
		"grpcscope: BindServer with a nil context or stream: pass the context of the block":                    func() { grpcscope.BindServer(nowhere, nil) },
		"grpcscope: Nursery with a context that is not a call's: give the server the interceptors of a Server": func() { grpcscope.Nursery(t.Context()) },
		"grpcscope: Serve with a nil context, server or listener: pass the context of the task":                func() { _ = new(grpcscope.Server).Serve(t.Context(), nil, nil, nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %s", got, want)
				}
			}()
			f()
		}()
	}
}

// Trailer of a bound stream may be called after each error of RecvMsg, also if that is an
// interruption: gRPC has it when the stream has ended.
func TestTrailerOfABoundStream(t *testing.T) {
	end := make(chan struct{})
	p := streaming(t, nil, func(stream grpc.ServerStream) error {
		<-end
		stream.SetTrailer(metadata.Pairs("tail", "1"))
		return nil
	})
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	bound := grpcscope.BindClient(t.Context(), stream)
	receive := func(ctx context.Context) error {
		_, err := textservice.Receive(grpcscope.BindClient(ctx, bound))
		return err
	}
	if expired, err := deadline.MoveOnAfter(t.Context(), 0, receive); bound.Trailer() != nil || !expired || err != nil {
		t.Errorf("after a limit that passed before RecvMsg, %t, %v, the trailer is %v", expired, err, bound.Trailer())
	}
	expired, err := deadline.MoveOnAfter(t.Context(), 10*time.Millisecond, receive)
	close(end)
	for bound.Trailer() == nil { // which the race detector watches
		_, _ = deadline.MoveOnAfter(t.Context(), 0, receive)
	}
	if got := bound.Trailer().Get("tail"); !expired || err != nil || len(got) != 1 {
		t.Errorf("MoveOnAfter = %t, %v; then the trailer is %v, want that of the server", expired, err, bound.Trailer())
	}
	if _, err := textservice.Receive(bound); err != io.EOF {
		t.Errorf("RecvMsg = %v, want io.EOF", err)
	}
	_, _ = deadline.MoveOnAfter(t.Context(), 0, receive) // which does not get to gRPC
	if got := bound.Trailer().Get("tail"); len(got) != 1 {
		t.Errorf("after the end the trailer is %v, want that of the server", bound.Trailer())
	}
}
