package grpcscope_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// newServer makes a server with that handler, and a client of it.
func newServer(t *testing.T, scopes *grpcscope.Server, handler func(ctx context.Context, text string) (string, error)) (*grpc.Server, net.Listener, func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(scopes.ServerOptions()...)
	service := textservice.Service{Unary: handler}
	service.Register(server)
	t.Cleanup(server.Stop)
	cc := dial(t, l.Addr().String(), insecureOption)
	call := func() error {
		_, err := textservice.Call(t.Context(), cc, "", grpc.WaitForReady(true))
		return err
	}
	return server, l, call
}

// A program may end before its server has begun. The server, which is stopped then, is no failure.
func TestServeAfterTheEnd(t *testing.T) {
	for range 20 { // what comes first, the beginning or the end, is chance
		scopes := new(grpcscope.Server)
		server, l, _ := newServer(t, scopes, echo)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := scopes.Serve(ctx, server, l, nil); !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("Serve with a context that is done = %v, want its cancellation", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("then Accept = %v, want a listener that is closed", err)
		}

		scopes = new(grpcscope.Server)
		server, l, _ = newServer(t, scopes, echo)
		p := serve.Program{Grace: soon, Log: slog.New(slog.DiscardHandler)}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, errBoom)
			<-serve.Closing(ctx)
			return scopes.Serve(ctx, server, l, nil)
		})
		if err != nil {
			t.Errorf("Serve in a program that drains = %v, want nil", err)
		}
	}
	scopes := new(grpcscope.Server)
	server, l, _ := newServer(t, scopes, echo)
	server.Stop()
	if err := scopes.Serve(t.Context(), server, l, nil); err != grpc.ErrServerStopped {
		t.Errorf("Serve of a server that was stopped = %v, want %v", err, grpc.ErrServerStopped)
	}
}

// Serve waits for handlers, also if the server is stopped from elsewhere, or fails. Then it
// cancels them.
func TestServeWaitsForHandlers(t *testing.T) {
	for name, end := range map[string]func(server *grpc.Server, l net.Listener){
		"Stop":    func(server *grpc.Server, _ net.Listener) { server.Stop() },
		"failure": func(_ *grpc.Server, l net.Listener) { _ = l.Close() },
	} {
		entered, causes, release := make(chan struct{}), make(chan error, 1), make(chan struct{})
		var ended atomic.Bool
		scopes := new(grpcscope.Server)
		server, l, call := newServer(t, scopes, func(ctx context.Context, _ string) (string, error) {
			close(entered)
			<-ctx.Done()
			causes <- context.Cause(ctx)
			<-release
			ended.Store(true)
			return "", ctx.Err()
		})
		served, called := make(chan error, 1), make(chan error, 1)
		go func() {
			err := scopes.Serve(t.Context(), server, l, nil)
			if !ended.Load() {
				t.Errorf("%s: Serve = %v although a handler runs", name, err)
			}
			served <- err
		}()
		go func() { called <- call() }()
		wait(t, "the handler", entered)
		end(server, l)
		cause := wait(t, "the end of the handler's context", causes)
		if got := errors.Is(cause, net.ErrClosed); got != (name == "failure") {
			t.Errorf("%s: the handler's cause is %v", name, cause)
		}
		_ = wait(t, "the end of the call", called) // after which only the handler is left
		close(release)
		if err := wait(t, "the end of Serve", served); errors.Is(err, net.ErrClosed) != (name == "failure") {
			t.Errorf("%s: Serve = %v", name, err)
		}
	}
}

// When Serve has returned, another server may use the interceptors, in another program.
func TestServeAgain(t *testing.T) {
	type key struct{}
	scopes := new(grpcscope.Server)
	for i := range 2 {
		server, l, call := newServer(t, scopes, func(ctx context.Context, _ string) (string, error) {
			if got := ctx.Value(key{}); got != i {
				t.Errorf("the handler of program %d has the context of program %v", i, got)
			}
			return "", context.Cause(ctx)
		})
		err := nursery.Run(context.WithValue(t.Context(), key{}, i), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("server", func(ctx context.Context) error { return scopes.Serve(ctx, server, l, nil) })
			err := call()
			n.Scope().Cancel(nil)
			return err
		})
		if err != nil {
			t.Errorf("a call to the server returned %v, want nil", err)
		}
	}
}
