package grpcscope_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
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

// retrying retries calls that end with the code Unavailable, after about a tenth of a second.
const retrying = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s",
	"maxBackoff": "0.1s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`

// then is an interceptor that does something between the end of the call for gRPC and the
// look that the interceptors of this package take at it.
func then(do func()) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			defer do()
			return invoker(ctx, method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := streamer(ctx, desc, cc, method, opts...)
			return &thenStream{s, do}, err
		}),
	}
}

type thenStream struct {
	grpc.ClientStream
	do func()
}

func (s *thenStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		defer s.do()
	}
	return err
}

// A status of the server's own doing stays real, also if the context of the caller is done
// by the time that it is looked at.
func TestStatusOfTheServer(t *testing.T) {
	canceled := status.FromContextError(context.Canceled).Err()
	expired := status.FromContextError(context.DeadlineExceeded).Err()
	for _, test := range []struct {
		name   string
		answer error
		config string // of the service
		plain  bool   // the server has no interceptors
		limit  bool   // the context ends by its deadline, and by cancel otherwise
		stream bool   // the status comes in trailers after a message
		real   bool
	}{
		{name: "canceled", answer: canceled, real: true},
		{name: "canceled, with retries", answer: canceled, config: retrying, real: true},
		{name: "canceled, after a message", answer: canceled, stream: true, real: true},
		{name: "deadline", answer: expired, real: true},
		{name: "deadline, with retries", answer: expired, config: retrying, real: true},
		{name: "deadline, after a message", answer: expired, stream: true, real: true},
		{name: "deadline, and so is the client's", answer: expired, limit: true, real: true},
		{name: "another code", answer: status.Error(codes.NotFound, "context canceled"), real: true},

		{name: "plain: canceled", answer: canceled, plain: true, real: true},
		{name: "plain: canceled in its own words", answer: status.Error(codes.Canceled, "by the operator"), config: retrying, plain: true, real: true},
		{name: "plain: canceled at the client's deadline", answer: canceled, plain: true, limit: true, real: true},
		{name: "plain: canceled at the client's deadline, with retries", answer: canceled, config: retrying, plain: true, limit: true, real: true},
		{name: "plain: deadline", answer: expired, plain: true, real: true},
		{name: "plain: deadline in its own words at the client's", answer: status.Error(codes.DeadlineExceeded, "database"), plain: true, limit: true, real: true},
		{name: "plain: the client's deadline", answer: expired, plain: true, limit: true, real: false},
		{name: "plain: the client's deadline, with retries", answer: expired, config: retrying, plain: true, limit: true, real: false},
	} {
		t.Run(test.name, func(t *testing.T) {
			service := textservice.Service{
				Unary: func(context.Context, string) (string, error) { return "", test.answer },
				Stream: func(stream grpc.ServerStream) error {
					_ = textservice.Send(stream, "first")
					return test.answer
				},
			}
			var s cancelscope.Scope
			do := func() { s.Cancel(nil) }
			if test.limit {
				s.SetTimeout(100 * time.Millisecond)
				do = func() {}
			}
			opts := []grpc.DialOption{insecureOption}
			if test.config != "" {
				opts = append(opts, grpc.WithDefaultServiceConfig(test.config))
			}
			opts = append(opts, grpcscope.Client{}.DialOptions()...)
			if test.limit {
				opts = append(opts, answerAtTheDeadline()...)
			} else {
				opts = append(opts, then(do)...)
			}
			addr := ""
			if test.plain {
				addr = plain(t, service)
			} else {
				addr = setup{Service: service}.start(t).addr
			}
			cc := dial(t, addr, opts...)
			err := s.Run(t.Context(), func(ctx context.Context) error {
				if !test.stream {
					_, err := textservice.Call(ctx, cc, "")
					return err
				}
				stream, err := textservice.Open(ctx, cc, textservice.Down)
				if err == nil {
					_, err = textservice.Receive(stream)
				}
				if err != nil {
					t.Errorf("the first message: %v", err)
				}
				_, err = textservice.Receive(stream)
				return err
			})
			if got := err != nil; got != test.real {
				t.Errorf("the scope returned %v, want a real error: %t", err, test.real)
			}
			if err != nil && status.Code(err) != status.Code(test.answer) {
				t.Errorf("the scope returned %v, want the status %v", err, test.answer)
			}
		})
	}
}

// answerAtTheDeadline makes the call without a deadline, and waits for that of the caller. So
// the status comes from the server, and arrives when the deadline passes.
func answerAtTheDeadline() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoker(context.WithoutCancel(ctx), method, req, reply, cc, opts...)
		d, _ := ctx.Deadline()
		timer := time.NewTimer(time.Until(d))
		defer timer.Stop()
		<-timer.C
		return err
	})}
}

// A deadline that is set while the scope runs is one that the server keeps to as well, and perhaps
// first. The Err of the scope is then context.Canceled.
func TestDeadlineSetBeforeTheCall(t *testing.T) {
	late := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		d, _ := ctx.Deadline()
		sent, cancel := context.WithDeadline(context.WithoutCancel(ctx), d) // the server has the deadline
		defer cancel()
		err := invoker(sent, method, req, reply, cc, opts...)
		<-ctx.Done() // and the timer here is late
		return err
	}
	own := status.FromContextError(context.DeadlineExceeded).Err()
	wait := func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", status.FromContextError(ctx.Err()).Err()
	}
	answer := func(context.Context, string) (string, error) { return "", own }
	for _, test := range []struct {
		name string
		addr string
		real bool
	}{
		{name: "plain", addr: plain(t, textservice.Service{Unary: wait})},
		{name: "with interceptors", addr: setup{Service: textservice.Service{Unary: wait}}.start(t).addr},
		{name: "of the server", addr: setup{Service: textservice.Service{Unary: answer}}.start(t).addr, real: true},
	} {
		cc := dial(t, test.addr, append(append([]grpc.DialOption{insecureOption}, grpcscope.Client{}.DialOptions()...), grpc.WithChainUnaryInterceptor(late))...)
		limit := 50 * time.Millisecond
		if test.real {
			limit = time.Second // in which the answer of the server must be here
		}
		for _, before := range []time.Duration{0, time.Hour} {
			var s cancelscope.Scope
			if before > 0 {
				s.SetTimeout(before)
			}
			err := s.Run(t.Context(), func(ctx context.Context) error {
				s.SetTimeout(limit)
				_, err := textservice.Call(ctx, cc, "")
				return err
			})
			if got := err != nil; got != test.real {
				t.Errorf("%s, the deadline before was %v: the scope returned %v, want a real error: %t", test.name, before, err, test.real)
			}
		}
	}
}

// The end of the caller's context is a cancellation in every state that a call can be in.
func TestEndOfTheContext(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Close() // connections to it are refused
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // connections to it are accepted by the system, and never answered

	busy := setup{}
	busy.Unary = func(context.Context, string) (string, error) { return "", status.Error(codes.Unavailable, "busy") }
	slow := setup{} // whose own status is retried
	slow.Unary = func(context.Context, string) (string, error) { return "", status.Error(codes.DeadlineExceeded, "busy") }
	block := setup{}
	block.Unary = blocking(nil)
	for _, test := range []struct {
		name   string
		addr   string
		config string
		opts   []grpc.CallOption
	}{
		{name: "the handler runs", addr: block.start(t).addr},
		{name: "between attempts", addr: busy.start(t).addr, config: retrying},
		{name: "between attempts after a deadline of the server", addr: slow.start(t).addr, config: strings.Replace(retrying, "UNAVAILABLE", "DEADLINE_EXCEEDED", 1)},
		{name: "no connection", addr: refused.Addr().String(), opts: []grpc.CallOption{grpc.WaitForReady(true)}},
		{name: "connecting", addr: silent.Addr().String()},
	} {
		for how, end := range map[string]func(ctx context.Context, call func(context.Context) error) error{
			"limit": func(ctx context.Context, call func(context.Context) error) error {
				expired, err := deadline.MoveOnAfter(ctx, 50*time.Millisecond, call)
				if !expired {
					t.Errorf("the limit has not expired")
				}
				return err
			},
			"cancel": func(ctx context.Context, call func(context.Context) error) error {
				var s cancelscope.Scope
				timer := time.AfterFunc(50*time.Millisecond, func() { s.Cancel(errBoom) })
				defer timer.Stop()
				return s.Run(ctx, call)
			},
			"before": func(ctx context.Context, call func(context.Context) error) error {
				var s cancelscope.Scope
				s.Cancel(errBoom)
				return s.Run(ctx, call)
			},
			"parent": func(ctx context.Context, call func(context.Context) error) error {
				ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				if err := call(ctx); !cancelscope.IsCancellation(ctx, err) {
					return err
				}
				return nil
			},
		} {
			if strings.HasSuffix(test.name, "of the server") && (how == "limit" || how == "parent") {
				continue // the code is that of the attempt before, and nothing distinguishes the two
			}
			t.Run(test.name+", "+how, func(t *testing.T) {
				opts := []grpc.DialOption{insecureOption}
				if test.config != "" {
					opts = append(opts, grpc.WithDefaultServiceConfig(test.config))
				}
				cc := dial(t, test.addr, append(opts, grpcscope.Client{Reasons: true}.DialOptions()...)...)
				call := func(ctx context.Context) error {
					_, err := textservice.Call(ctx, cc, "", test.opts...)
					return err
				}
				open := func(ctx context.Context) error {
					s, err := textservice.Open(ctx, cc, textservice.Down, test.opts...)
					if err != nil {
						return err
					}
					if err = textservice.Send(s, ""); err != nil && err != io.EOF {
						return err
					}
					_, err = textservice.Receive(s)
					return err
				}
				if err := end(t.Context(), call); err != nil {
					t.Errorf("around a unary call: %v, want a cancellation", err)
				}
				if test.name == "the handler runs" || test.config != "" {
					return // the server has no streams
				}
				if err := end(t.Context(), open); err != nil {
					t.Errorf("around a stream: %v, want a cancellation", err)
				}
			})
		}
	}
}

// An earlyContext claims that its deadline is d.
type earlyContext struct {
	context.Context
	d time.Time
}

func (c earlyContext) Deadline() (time.Time, bool) { return c.d, true }

// A deadline counts as soon as it has passed, also if the timer of the context is late.
func TestLateTimer(t *testing.T) {
	s := setup{}
	s.Unary = blocking(nil)
	p := s.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.call("")(earlyContext{ctx, time.Now()}); !cancelscope.IsCancellation(ctx, err) {
		t.Errorf("a call whose timer is late returned %v, want a cancellation", err)
	}
	if err := p.call("")(earlyContext{t.Context(), time.Now()}); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call whose context is never done returned %v, want the status alone", err)
	}
}

// Failures that have nothing to do with the context stay what they are.
func TestOtherFailures(t *testing.T) {
	s := setup{}
	s.Unary = func(context.Context, string) (string, error) { return "", status.Error(codes.NotFound, "no such text") }
	p := s.start(t)
	var scope cancelscope.Scope
	err := scope.Run(t.Context(), func(ctx context.Context) error {
		err := p.call("")(ctx)
		scope.Cancel(nil)
		return err
	})
	if st, ok := status.FromError(err); !ok || st.Code() != codes.NotFound || st.Message() != "no such text" {
		t.Errorf("the call returned %v, want its status", err)
	}
	_ = p.cc.Close()
	err = (&cancelscope.Scope{}).Run(t.Context(), p.call(""))
	if status.Code(err) != codes.Canceled {
		t.Errorf("a call on a closed connection returned %v, want the code Canceled", err)
	}
	closed := new(cancelscope.Scope)
	closed.Cancel(nil)
	err = closed.Run(t.Context(), func(ctx context.Context) error {
		_, err := textservice.Call(context.WithoutCancel(ctx), p.cc, "")
		return err
	})
	if err == nil {
		t.Errorf("a call whose own context was not done returned a cancellation")
	}
}

// The caller's options are not written to: calls share them.
func TestOptionsOfTheCaller(t *testing.T) {
	s := setup{client: grpcscope.Client{Reasons: true}}
	s.Unary = func(context.Context, string) (string, error) { return "", nil }
	p := s.start(t)
	options := make([]grpc.CallOption, 10)
	for i := range options {
		options[i] = grpc.WaitForReady(true)
	}
	want := slices.Clone(options)
	if _, err := textservice.Call(t.Context(), p.cc, "", options[:1]...); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(options, want) {
		t.Errorf("options of the caller after the call: %v", options)
	}
}

// The interceptors also work for calls that another package makes, which have no ClientConn.
func TestCallsOfAnotherPackage(t *testing.T) {
	interceptor := grpcscope.Client{Reasons: true}.Unary()
	var s cancelscope.Scope
	err := s.Run(t.Context(), func(ctx context.Context) error {
		return interceptor(ctx, "/a/b", nil, nil, nil, func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
			for _, o := range opts {
				if p, ok := o.(grpc.PeerCallOption); ok {
					p.PeerAddr.Addr = new(net.TCPAddr) // as such a package may do
				}
			}
			s.Cancel(nil)
			return status.FromContextError(ctx.Err()).Err()
		})
	})
	if err != nil || !s.CanceledCaught() {
		t.Errorf("around such a call: %v, want nil and a cancellation that was caught", err)
	}
}

// An error of another interceptor passes unchanged.
func TestErrorsOfOtherInterceptors(t *testing.T) {
	errOther := errors.New("refused here")
	cc := dial(t, "127.0.0.1:1", append(append([]grpc.DialOption{insecureOption}, grpcscope.Client{}.DialOptions()...),
		grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return errOther
		}))...)
	if _, err := textservice.Call(t.Context(), cc, ""); err != errOther {
		t.Errorf("the call returned %v, want the error of the interceptor itself", err)
	}
}
