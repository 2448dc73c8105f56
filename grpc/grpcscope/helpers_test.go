package grpcscope_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
)

var (
	errBoom = errors.New("boom")
	errBang = errors.New("bang")
)

// soon is more than anything takes that a test waits for.
const soon = 20 * time.Second

var insecureOption = grpc.WithTransportCredentials(insecure.NewCredentials())

// A pair is a server on loopback and a client of it.
type pair struct {
	server *grpc.Server
	cc     *grpc.ClientConn
	addr   string
}

// A setup has what a pair is made of. The zero value has no handlers.
type setup struct {
	textservice.Service
	scopes *grpcscope.Server
	client grpcscope.Client
	first  []grpc.ServerOption // before those of scopes
	server []grpc.ServerOption // after them
	dial   []grpc.DialOption   // before those of client
}

// start starts the server, and stops it when the test ends.
func (s setup) start(t testing.TB) *pair {
	t.Helper()
	if s.scopes == nil {
		s.scopes = new(grpcscope.Server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{addr: l.Addr().String()}
	p.server = grpc.NewServer(slices.Concat([]grpc.ServerOption{grpc.WaitForHandlers(true)}, s.first, s.scopes.ServerOptions(), s.server)...)
	s.Service.Register(p.server)
	if s.scopes.Reasons {
		s.scopes.Register(p.server)
	}
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(l) }()
	t.Cleanup(func() {
		p.server.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	p.cc = dial(t, p.addr, append(append(s.dial, s.client.DialOptions()...), insecureOption)...)
	return p
}

// plain is a server without interceptors.
func plain(t testing.TB, service textservice.Service) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	service.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return l.Addr().String()
}

func dial(t testing.TB, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return cc
}

// call makes a call of the unary method, as a task.
func (p *pair) call(text string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := textservice.Call(ctx, p.cc, text)
		return err
	}
}

// wait waits for a channel that another goroutine closes or sends to.
func wait[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(soon):
		t.Fatalf("%s: not within %v", what, soon)
		panic("unreachable")
	}
}

// blocking is a handler that waits for the end of its context, and reports its cause.
func blocking(causes chan<- error) func(ctx context.Context, _ string) (string, error) {
	return func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		if causes != nil {
			causes <- context.Cause(ctx)
		}
		return "", ctx.Err()
	}
}
