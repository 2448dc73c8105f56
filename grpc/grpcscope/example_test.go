package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// listen starts a server of texts for an example.
func listen(scopes *grpcscope.Server, server *grpc.Server, unary func(ctx context.Context, text string) (string, error)) (addr string, stop func()) {
	service := textservice.Service{Unary: unary}
	service.Stream = func(stream grpc.ServerStream) error { _, err := unary(stream.Context(), ""); return err }
	return listenWith(scopes, server, service)
}

func listenWith(scopes *grpcscope.Server, server *grpc.Server, service textservice.Service) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	service.Register(server)
	if scopes.Reasons {
		scopes.Register(server)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	return l.Addr().String(), func() { server.Stop(); <-ended }
}

func connect(addr string, options ...grpc.DialOption) *grpc.ClientConn {
	cc, err := grpc.NewClient(addr, append(options, insecureOption)...)
	if err != nil {
		panic(err)
	}
	return cc
}

func sleepy(ctx context.Context, _ string) (string, error) {
	return "", deadline.Sleep(ctx, time.Hour)
}

// A limit around a call counts as expired when the call was cut short.
func ExampleClient_DialOptions() {
	scopes := new(grpcscope.Server)
	addr, stop := listen(scopes, grpc.NewServer(scopes.ServerOptions()...), sleepy)
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	expired, err := deadline.MoveOnAfter(context.Background(), 20*time.Millisecond, func(ctx context.Context) error {
		_, err := textservice.Call(ctx, conn, "how are you?")
		return err
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// The code to answer with when a limit around a call has expired.
func ExampleCode() {
	scopes := new(grpcscope.Server)
	addr, stop := listen(scopes, grpc.NewServer(), sleepy)
	defer stop()
	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()

	err := deadline.FailAfter(context.Background(), 20*time.Millisecond, func(ctx context.Context) error {
		_, err := textservice.Call(ctx, conn, "how are you?")
		return err
	})
	fmt.Println(status.Code(err), grpcscope.Code(err))
	// Output: Unknown DeadlineExceeded
}

// The interceptor in a chain with others, which see what it sees.
func ExampleClient_Unary() {
	scopes := new(grpcscope.Server)
	addr, stop := listen(scopes, grpc.NewServer(), sleepy)
	defer stop()

	codeOf := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, req, reply, cc, opts...)
		fmt.Println(status.Code(err), errors.Is(err, context.DeadlineExceeded))
		return err
	}
	conn := connect(addr, grpc.WithChainUnaryInterceptor(codeOf, grpcscope.Client{}.Unary(), codeOf))
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := textservice.Call(ctx, conn, "how are you?")
	fmt.Println(cancelscope.IsCancellation(ctx, err))
	// Output:
	// DeadlineExceeded false
	// DeadlineExceeded true
	// true
}

// A stream that is canceled because another task has failed is no second failure.
func ExampleClient_Stream() {
	scopes := new(grpcscope.Server)
	addr, stop := listen(scopes, grpc.NewServer(), sleepy)
	defer stop()

	conn := connect(addr, grpc.WithChainStreamInterceptor(grpcscope.Client{}.Stream()))
	defer conn.Close()
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("listener", func(ctx context.Context) error {
			stream, err := textservice.Open(ctx, conn, textservice.Down)
			if err != nil {
				return err
			}
			_, err = textservice.Receive(stream)
			return err
		})
		n.GoNamed("disk", func(context.Context) error { return errors.New("full") })
		return nil
	})
	fmt.Println(err)
	// Output: disk: full
}

// The client gets the errors of the tasks of a handler, by their names.
func ExampleServer_ServerOptions() {
	scopes := &grpcscope.Server{Call: nursery.Config{Supervise: true}}
	server := grpc.NewServer(scopes.ServerOptions()...)
	addr, stop := listen(scopes, server, func(ctx context.Context, _ string) (string, error) {
		n := grpcscope.Nursery(ctx)
		_, _ = n.Task("hotel", func(context.Context) error { return status.Error(codes.ResourceExhausted, "no vacancy") }).Join()
		_, _ = n.Task("car", func(context.Context) error { return errors.New("no driver") }).Join()
		return "booked", nil
	})
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	_, err := textservice.Call(context.Background(), conn, "book")
	fmt.Println(status.Code(err))
	var all *nursery.Error
	if errors.As(err, &all) {
		for _, member := range all.Unwrap() {
			failed := member.(*nursery.TaskError)
			fmt.Println(failed.Task, "failed:", failed.Err)
		}
	}
	// Output:
	// ResourceExhausted
	// hotel failed: rpc error: code = ResourceExhausted desc = no vacancy
	// car failed: no driver
}

// A logging interceptor stands before, and sees the errors behind the status.
func ExampleServer_Unary() {
	logged := make(chan string, 1)
	logging := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		logged <- fmt.Sprintf("%v, first failure: %v", status.Code(err), nursery.First(errors.Unwrap(err)))
		return resp, err
	}
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(logging, scopes.Unary()))
	addr, stop := listen(scopes, server, func(ctx context.Context, _ string) (string, error) {
		grpcscope.Nursery(ctx).GoNamed("lookup", func(context.Context) error { return errors.New("no such name") })
		return "", nil
	})
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	_, err := textservice.Call(context.Background(), conn, "who?")
	fmt.Println("server:", <-logged)
	fmt.Println("client:", err)
	// Output:
	// server: Unknown, first failure: no such name
	// client: lookup: no such name
}

// Tasks may use the stream of a call until they have ended.
func ExampleServer_Stream() {
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(grpc.ChainStreamInterceptor(scopes.Stream()))
	service := textservice.Service{Stream: func(stream grpc.ServerStream) error {
		n := grpcscope.Nursery(stream.Context())
		n.GoNamed("sender", func(context.Context) error { return textservice.Send(stream, "from a task") })
		return nil
	}}
	addr, stop := listenWith(scopes, server, service)
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	stream, err := textservice.Open(context.Background(), conn, textservice.Both)
	if err != nil {
		panic(err)
	}
	fmt.Println(textservice.Receive(stream))
	_, err = textservice.Receive(stream)
	fmt.Println(err)
	// Output:
	// from a task <nil>
	// EOF
}

// A task of a call runs beside the handler, and the call waits for it.
func ExampleNursery() {
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	addr, stop := listen(scopes, server, func(ctx context.Context, text string) (string, error) {
		audit := grpcscope.Nursery(ctx).Task("audit", func(ctx context.Context) error {
			fmt.Println("audit:", text)
			return nil
		})
		if _, err := audit.Wait(ctx); err != nil {
			return "", err
		}
		return "done", nil
	})
	defer stop()

	conn := connect(addr)
	defer conn.Close()
	fmt.Println(textservice.Call(context.Background(), conn, "sell"))
	// Output:
	// audit: sell
	// done <nil>
}

// The handler of a call learns why the client has canceled it.
func ExampleServer_Register() {
	scopes := &grpcscope.Server{Reasons: true}
	server := grpc.NewServer(scopes.ServerOptions()...)
	entered, why := make(chan struct{}), make(chan error, 1)
	addr, stop := listen(scopes, server, func(ctx context.Context, _ string) (string, error) { // which calls scopes.Register(server)
		close(entered)
		<-ctx.Done()
		why <- context.Cause(ctx)
		return "", ctx.Err()
	})
	defer stop()

	conn := connect(addr, grpcscope.Client{Reasons: true}.DialOptions()...)
	defer conn.Close()
	search := cancelscope.Scope{Name: "search"}
	go func() {
		<-entered
		search.Cancel(errors.New("found elsewhere"))
	}()
	err := search.Run(context.Background(), func(ctx context.Context) error {
		_, err := textservice.Call(ctx, conn, "look for it")
		return err
	})
	fmt.Println("client:", err)
	fmt.Println("server:", <-why)
	// Output:
	// client: <nil>
	// server: client's scope "search" canceled: found elsewhere
}

// A log may say more than the text.
func ExampleClientCanceled() {
	scopes := &grpcscope.Server{Reasons: true}
	server := grpc.NewServer(scopes.ServerOptions()...)
	answer := cancelscope.Scope{Name: "answer"}
	ended := make(chan struct{})
	addr, stop := listen(scopes, server, func(ctx context.Context, _ string) (string, error) {
		defer close(ended)
		answer.SetTimeout(50 * time.Millisecond) // in an example both sides are one program
		<-ctx.Done()
		var client *grpcscope.ClientCanceled
		if errors.As(context.Cause(ctx), &client) {
			fmt.Println(client.Kind, client.Scope)
		}
		return "", ctx.Err()
	})
	defer stop()

	conn := connect(addr, grpcscope.Client{Reasons: true}.DialOptions()...)
	defer conn.Close()
	_ = answer.Run(context.Background(), func(ctx context.Context) error {
		_, err := textservice.Call(ctx, conn, "think")
		return err
	})
	<-ended
	// Output: deadline answer
}

// A limit around one message of a stream.
func ExampleBindClient() {
	scopes := new(grpcscope.Server)
	addr, stop := listen(scopes, grpc.NewServer(scopes.ServerOptions()...), sleepy)
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	ctx := context.Background()
	stream, err := textservice.Open(ctx, conn, textservice.Both)
	if err != nil {
		panic(err)
	}
	stream = grpcscope.BindClient(ctx, stream)
	expired, err := deadline.MoveOnAfter(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		_, err := textservice.Receive(grpcscope.BindClient(ctx, stream))
		return err
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// A failure ends a task that waits for the next message of the client.
func ExampleBindServer() {
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	service := textservice.Service{Stream: func(stream grpc.ServerStream) error {
		return nursery.Run(stream.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			stream := grpcscope.BindServer(ctx, stream)
			n.GoNamed("receiver", func(context.Context) error {
				_, err := textservice.Receive(stream)
				return err
			})
			n.GoNamed("disk", func(context.Context) error { return errors.New("full") })
			return nil
		})
	}}
	addr, stop := listenWith(scopes, server, service)
	defer stop()

	conn := connect(addr, grpcscope.Client{}.DialOptions()...)
	defer conn.Close()
	stream, err := textservice.Open(context.Background(), conn, textservice.Both)
	if err != nil {
		panic(err)
	}
	_, err = textservice.Receive(stream)
	fmt.Println(err)
	// Output: disk: full
}

// A server in a program that drains: what is in progress has a minute.
func ExampleServer_Serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	program := serve.Program{Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}
	err = program.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		scopes := new(grpcscope.Server)
		server := grpc.NewServer(scopes.ServerOptions()...)
		status := health.NewServer()
		healthgrpc.RegisterHealthServer(server, status)
		n.GoNamed("grpc", func(ctx context.Context) error { return scopes.Serve(ctx, server, l, status) })

		conn := connect(l.Addr().String())
		defer conn.Close()
		answer, err := healthgrpc.NewHealthClient(conn).Check(ctx, new(healthgrpc.HealthCheckRequest))
		fmt.Println(answer.GetStatus(), err)
		serve.Drain(ctx, errors.New("as a signal would"))
		return nil
	})
	fmt.Println(err)
	// Output:
	// SERVING <nil>
	// <nil>
}
