package grpcscope_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// encrypted returns the credentials of a server, and those of its clients.
func encrypted(t *testing.T) (server, client credentials.TransportCredentials) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}), credentials.NewClientTLSFromCert(pool, "")
}

// Everything works the same over TLS.
func TestTLS(t *testing.T) {
	server, client := encrypted(t)
	w := newWitness()
	service := w.service()
	service.Stream = func(stream grpc.ServerStream) error { return trip(stream.Context()) }
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: service}
	s.server = []grpc.ServerOption{grpc.Creds(server)}
	p := s.start(t)
	p.cc = dial(t, p.addr, append(s.client.DialOptions(), grpc.WithTransportCredentials(client))...)
	scope := &cancelscope.Scope{Name: "search"}
	go func() { <-w.entered; scope.Cancel(errBoom) }()
	if err := scope.Run(t.Context(), p.call("")); err != nil || !scope.CanceledCaught() {
		t.Errorf("around a call: %v, want nil and a scope that has absorbed its cancellation", err)
	}
	if cause := wait(t, "the cause", w.causes); cause.Error() != `client's scope "search" canceled: boom` {
		t.Errorf("the handler's cause is %v", cause)
	}
	var all *nursery.Error
	if err := p.stream(t.Context()); !errors.As(err, &all) || len(all.Unwrap()) != 6 {
		t.Errorf("the stream ended with %v, want six failures", err)
	}
}

// What interceptors before and after those of this package see, at both sides.
func TestOrderOfInterceptors(t *testing.T) {
	seen := make(chan string, 20)
	look := func(where string, err error) {
		var all *nursery.Error
		seen <- fmt.Sprintf("%s: code %v, cancellation %t, nursery %t", where, status.Code(err), errors.Is(err, context.Canceled), errors.As(err, &all))
	}
	client := func(where string) grpc.DialOption {
		return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoker(ctx, method, req, reply, cc, opts...)
			look(where, err)
			return err
		})
	}
	server := func(where string) grpc.ServerOption {
		return grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if where == "server after" {
				grpcscope.Nursery(ctx) // panics where there is none
			}
			resp, err := handler(ctx, req)
			look(where, err)
			return resp, err
		})
	}
	s := setup{first: []grpc.ServerOption{server("server before")}, server: []grpc.ServerOption{server("server after")}}
	entered := make(chan struct{}, 1)
	s.Unary = func(ctx context.Context, text string) (string, error) {
		entered <- struct{}{}
		if text == "wait" {
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "", nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("lookup", func(context.Context) error { return status.Error(codes.NotFound, "gone") })
			return nil
		})
	}
	p := s.start(t)
	p.cc = dial(t, p.addr, append(append([]grpc.DialOption{insecureOption, client("client before")}, grpcscope.Client{}.DialOptions()...), client("client after"))...)
	look2 := func(what string, want ...string) {
		t.Helper()
		var got []string
		for range want {
			got = append(got, wait(t, what, seen))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	_ = p.call("fail")(t.Context())
	<-entered
	look2("a failure",
		"client after: code NotFound, cancellation false, nursery false",
		"client before: code NotFound, cancellation false, nursery true",
		"server after: code NotFound, cancellation false, nursery true",
		"server before: code NotFound, cancellation false, nursery true")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	_ = p.call("wait")(ctx)
	look2("a cancellation",
		"client after: code Canceled, cancellation false, nursery false",
		"client before: code Canceled, cancellation true, nursery false",
		"server after: code Unknown, cancellation true, nursery false",
		"server before: code Canceled, cancellation true, nursery false")
}

// A limit that another interceptor sets, before or after, is not the caller's: a failure.
func TestLimitOfAnotherInterceptor(t *testing.T) {
	limit := grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		return invoker(ctx, method, req, reply, cc, opts...)
	})
	s := setup{}
	s.Unary = blocking(nil)
	p := s.start(t)
	for name, opts := range map[string][]grpc.DialOption{
		"before": append([]grpc.DialOption{insecureOption, limit}, grpcscope.Client{}.DialOptions()...),
		"after":  append(append([]grpc.DialOption{insecureOption}, grpcscope.Client{}.DialOptions()...), limit),
	} {
		cc := dial(t, p.addr, opts...)
		expired, err := deadline.MoveOnAfter(t.Context(), soon, func(ctx context.Context) error {
			_, err := textservice.Call(ctx, cc, "")
			return err
		})
		if expired || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: MoveOnAfter = %t, %v, want false and the code DeadlineExceeded", name, expired, err)
		}
	}
}

// A recovery interceptor before those of this package catches panics of the handler, with its
// own value, and those of tasks.
func TestPanics(t *testing.T) {
	values := make(chan any, 1)
	s := setup{}
	s.first = []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (_ any, err error) {
		defer func() {
			if v := recover(); v != nil {
				values <- v
				err = status.Error(codes.Internal, "recovered")
			}
		}()
		return handler(ctx, req)
	})}
	s.Unary = func(ctx context.Context, text string) (string, error) {
		if text == "task" {
			grpcscope.Nursery(ctx).GoNamed("t", func(context.Context) error { panic("in a task") })
			return "", nil
		}
		panic("in the handler")
	}
	p := s.start(t)
	if err := p.call("handler")(t.Context()); status.Code(err) != codes.Internal {
		t.Errorf("a panic of the handler: %v, want the code Internal", err)
	}
	if v := <-values; v != "in the handler" {
		t.Errorf("recovered %v, want the value of the panic", v)
	}
	if err := p.call("task")(t.Context()); status.Code(err) != codes.Internal {
		t.Errorf("a panic of a task: %v, want the code Internal", err)
	}
	if v, ok := (<-values).(*nursery.PanicError); !ok || v.Value != "in a task" || v.Task != "t" {
		t.Errorf("recovered %v, want the panic of the task", v)
	}
}

// gRPC's own retries work inside, and each attempt is a call of its own at the server.
func TestRetries(t *testing.T) {
	var attempts atomic.Int32
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}}
	s.Unary = func(ctx context.Context, _ string) (string, error) {
		if attempts.Add(1) < 3 {
			grpcscope.Nursery(ctx).GoNamed("lookup", func(context.Context) error { return status.Error(codes.Unavailable, "not yet") })
			return "", nil
		}
		return "third", nil
	}
	s.dial = []grpc.DialOption{grpc.WithDefaultServiceConfig(strings.ReplaceAll(retrying, "0.1s", "0.001s"))}
	p := s.start(t)
	text, err := textservice.Call(t.Context(), p.cc, "")
	if text != "third" || err != nil || attempts.Load() != 3 {
		t.Errorf("the call returned %q, %v after %d attempts", text, err, attempts.Load())
	}
	attempts.Store(-10)
	err = p.call("")(t.Context())
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("with too few attempts the call returned %v, want the last failure", err)
	}
}

// A reason finds its call among several servers.
func TestReasonsWithSeveralServers(t *testing.T) {
	w := newWitness()
	var addrs []resolver.Address
	for range 3 {
		s := setup{scopes: &grpcscope.Server{Reasons: true}, Service: w.service()}
		addrs = append(addrs, resolver.Address{Addr: s.start(t).addr})
	}
	r := manual.NewBuilderWithScheme("several")
	r.InitialState(resolver.State{Addresses: addrs})
	cc, err := grpc.NewClient("several:///", append(grpcscope.Client{Reasons: true}.DialOptions(), insecureOption, grpc.WithResolvers(r),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin":{}}]}`))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	for i := range 20 {
		s := &cancelscope.Scope{Name: fmt.Sprint(i)}
		go func() { <-w.entered; s.Cancel(errBoom) }()
		if err := s.Run(t.Context(), func(ctx context.Context) error {
			_, err := textservice.Call(ctx, cc, "")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("client's scope \"%d\" canceled: boom", i)
		if cause := wait(t, "the cause", w.causes); cause.Error() != want {
			t.Errorf("the handler's cause is %v, want %s", cause, want)
		}
	}
}

// Both directions of a stream end with the caller's context, at both sides, and the client's
// failure is none.
func TestStreamsInBothDirections(t *testing.T) {
	for _, kind := range []textservice.Kind{textservice.Down, textservice.Up, textservice.Both} {
		for _, end := range []string{"limit", "sibling"} {
			t.Run(string(kind)+", "+end, func(t *testing.T) {
				ended, entered := make(chan [2]bool, 1), make(chan struct{}, 1)
				s := setup{}
				s.Stream = func(stream grpc.ServerStream) error {
					entered <- struct{}{}
					var canceled [2]bool
					err := nursery.Run(stream.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("receiver", func(ctx context.Context) error {
							for {
								_, err := textservice.Receive(stream)
								if err == io.EOF {
									<-ctx.Done()
									err = ctx.Err()
								}
								if err != nil {
									canceled[0] = cancelscope.IsCancellation(ctx, err)
									return err
								}
							}
						})
						n.GoNamed("sender", func(ctx context.Context) error {
							for {
								if err := textservice.Send(stream, strings.Repeat("x", 1000)); err != nil {
									canceled[1] = cancelscope.IsCancellation(ctx, err)
									return err
								}
								if kind == textservice.Up {
									<-ctx.Done()
									canceled[1] = true
									return ctx.Err()
								}
							}
						})
						return nil
					})
					ended <- canceled
					return err
				}
				p := s.start(t)
				received := make(chan struct{}, 1)
				work := func(ctx context.Context) error {
					stream, err := textservice.Open(ctx, p.cc, kind)
					if err != nil {
						return err
					}
					return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("sender", func(ctx context.Context) error {
							if kind == textservice.Down {
								return errors.Join(textservice.Send(stream, ""), stream.CloseSend())
							}
							for {
								if err := textservice.Send(stream, strings.Repeat("x", 1000)); err == io.EOF {
									return nil // the receiver knows why
								} else if err != nil {
									return err
								}
							}
						})
						n.GoNamed("receiver", func(ctx context.Context) error {
							for {
								if _, err := textservice.Receive(stream); err != nil {
									return err
								}
								select {
								case received <- struct{}{}:
								default:
								}
							}
						})
						return nil
					})
				}
				if end == "limit" {
					var s cancelscope.Scope
					go func() {
						<-entered
						s.SetTimeout(50 * time.Millisecond)
					}()
					if err := s.Run(t.Context(), work); err != nil || !s.CanceledCaught() {
						t.Errorf("the scope returned %v, want nil and a deadline that was caught", err)
					}
				} else {
					err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("stream", work)
						n.GoNamed("other", func(context.Context) error {
							if kind != textservice.Up {
								<-received
							}
							return errBoom
						})
						return nil
					})
					if err == nil || err.Error() != "other: boom" {
						t.Errorf("Run = %v, want the failure of the other task alone", err)
					}
					if kind == textservice.Up {
						return // perhaps the stream has not been opened
					}
				}
				if canceled := wait(t, "the handler", ended); canceled != [2]bool{true, true} {
					t.Errorf("receiver and sender of the handler ended by cancellations: %t, want both", canceled)
				}
			})
		}
	}
}
