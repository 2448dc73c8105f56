package grpcscope_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// Of several servers with the same interceptors, one that ends, or fails, does not cancel the
// handlers of another one.
func TestSeveralServers(t *testing.T) {
	for _, name := range []string{"drain", "stop", "failure"} {
		t.Run(name, func(t *testing.T) {
			scopes := new(grpcscope.Server)
			first, firstListener, callFirst := newServer(t, scopes, echo)
			entered, release := make(chan struct{}), make(chan struct{})
			second, secondListener, callSecond := newServer(t, scopes, func(ctx context.Context, _ string) (string, error) {
				close(entered)
				<-release
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond): // a cancellation would be here
				}
				return "", context.Cause(ctx)
			})
			called := make(chan error, 1)
			p := serve.Program{Grace: soon, DrainOnFailure: true, Log: slog.New(slog.DiscardHandler)}
			err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				served := make(chan error, 1)
				n.GoNamed("first", func(ctx context.Context) error {
					err := scopes.Serve(ctx, first, firstListener, nil)
					served <- err
					return err
				})
				if err := callFirst(); err != nil { // then the context is that of the first one
					return err
				}
				n.GoNamed("second", func(ctx context.Context) error { return scopes.Serve(ctx, second, secondListener, nil) })
				go func() { called <- callSecond() }()
				wait(t, "the handler", entered)
				switch name {
				case "drain":
					serve.Drain(ctx, nil)
				case "stop":
					first.Stop()
				case "failure":
					_ = firstListener.Close()
				}
				wait(t, "the end of the first server", served)
				close(release)
				if name == "stop" {
					serve.Drain(ctx, nil)
				}
				return nil
			})
			if errors.Is(err, net.ErrClosed) != (name == "failure") || name != "failure" && err != nil {
				t.Errorf("Run = %v, want the error of a listener: %t", err, name == "failure")
			}
			if err := wait(t, "the end of the call", called); err != nil {
				t.Errorf("the call to the second server returned %v, want nil", err)
			}
		})
	}
}

// A server that serves several listeners ends when one of them fails, whichever that is.
func TestSecondListenerFails(t *testing.T) {
	scopes := new(grpcscope.Server)
	entered, causes := make(chan struct{}), make(chan error, 1)
	server, one, call := newServer(t, scopes, func(ctx context.Context, _ string) (string, error) {
		close(entered)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return "", ctx.Err()
	})
	two, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 2)
	go func() { served <- scopes.Serve(t.Context(), server, one, nil) }()
	called := make(chan error, 1)
	go func() { called <- call() }()
	wait(t, "the handler", entered) // whose context is that of the first call of Serve
	go func() { served <- scopes.Serve(t.Context(), server, two, nil) }()
	cc := dial(t, two.Addr().String(), insecureOption)
	awaitServer(t, cc)
	_ = two.Close()
	if cause := wait(t, "the end of the handler's context", causes); !errors.Is(cause, net.ErrClosed) {
		t.Errorf("the handler's cause is %v, want the error of the listener", cause)
	}
	_ = wait(t, "the end of the call", called)
	for range 2 {
		_ = wait(t, "the end of Serve", served)
	}
}

// awaitServer waits until a server has accepted a connection.
func awaitServer(t *testing.T, cc *grpc.ClientConn) {
	t.Helper()
	err := cc.Invoke(t.Context(), "/none/None", nil, nil, grpc.WaitForReady(true))
	_ = err // there is no such method
}
