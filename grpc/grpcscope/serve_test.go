package grpcscope_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
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

// A program is a gRPC server in a program that a test drains.
type program struct {
	pair
	health healthgrpc.HealthClient
	drain  func()
	ended  chan error // gets the error of Program.Run
	served chan error // gets the error of Serve
}

// run runs a server with the service in a program.
func run(t *testing.T, p serve.Program, service textservice.Service) *program {
	t.Helper()
	h := health.NewServer()
	return runWith(t, p, service, h, h)
}

// runWith is run with a health service, and with the one that Serve gets.
func runWith(t *testing.T, p serve.Program, service textservice.Service, h, served *health.Server) *program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &program{ended: make(chan error, 1), served: make(chan error, 1)}
	r.addr = l.Addr().String()
	scopes := &grpcscope.Server{Reasons: true}
	r.server = grpc.NewServer(scopes.ServerOptions()...)
	scopes.Register(r.server)
	service.Register(r.server)
	healthgrpc.RegisterHealthServer(r.server, h)
	p.Log = slog.New(slog.DiscardHandler)
	started := make(chan func(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.ended <- p.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			started <- func() { serve.Drain(ctx, errors.New("new version")) }
			err := scopes.Serve(ctx, r.server, l, served)
			r.served <- err
			return err
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-over
	})
	r.drain = <-started
	r.cc = dial(t, r.addr, append(grpcscope.Client{Reasons: true}.DialOptions(), insecureOption)...)
	r.health = healthgrpc.NewHealthClient(dial(t, r.addr, insecureOption))
	return r
}

// A call in progress is finished, a stream learns of the drain, and new calls are refused.
func TestDrain(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	drained := make(chan string, 1)
	p := run(t, serve.Program{Grace: soon}, textservice.Service{
		Unary: func(ctx context.Context, text string) (string, error) {
			entered <- struct{}{}
			<-release
			return "done", ctx.Err()
		},
		Stream: func(stream grpc.ServerStream) error {
			select {
			case entered <- struct{}{}:
			default: // one that was opened while the drain began
			}
			<-serve.Draining(stream.Context())
			return textservice.Send(stream, "bye")
		},
	})
	if r, err := p.health.Check(t.Context(), new(healthgrpc.HealthCheckRequest)); err != nil || r.Status != healthgrpc.HealthCheckResponse_SERVING {
		t.Errorf("before the drain Check = %v, %v, want SERVING", r, err)
	}
	answers := make(chan error, 1)
	go func() {
		text, err := textservice.Call(t.Context(), p.cc, "")
		if err == nil && text != "done" {
			err = errors.New(text)
		}
		answers <- err
	}()
	stream, err := textservice.Open(t.Context(), p.cc, textservice.Down)
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		text, _ := textservice.Receive(stream)
		_, err := textservice.Receive(stream)
		if err != io.EOF {
			text = err.Error()
		}
		drained <- text
	}()
	wait(t, "the first handler", entered)
	wait(t, "the second handler", entered)

	p.drain()
	if text := wait(t, "the end of the stream", drained); text != "bye" {
		t.Errorf("the stream ended with %q, want bye", text)
	}
	// GOAWAY: the client connects anew, and is refused.
	for {
		_, err := textservice.Open(t.Context(), p.cc, textservice.Down)
		if status.Code(err) == codes.Unavailable {
			break
		}
		if err != nil {
			t.Fatalf("a new call during the drain: %v, want the code Unavailable", err)
		}
	}
	select {
	case err := <-p.ended:
		t.Fatalf("the program ended with %v although a call is in progress", err)
	default:
	}
	close(release)
	if err := wait(t, "the answer", answers); err != nil {
		t.Errorf("the call in progress returned %v, want its answer", err)
	}
	if err := wait(t, "the end of the program", p.ended); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// The health status changes when the drain begins, while new calls are still accepted; a
// call that watches it does not keep the server from draining.
func TestHealth(t *testing.T) {
	p := run(t, serve.Program{Grace: soon, Linger: 300 * time.Millisecond}, textservice.Service{
		Unary: func(context.Context, string) (string, error) { return "served", nil },
	})
	watch, err := p.health.Watch(t.Context(), new(healthgrpc.HealthCheckRequest))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthgrpc.HealthCheckResponse_ServingStatus{healthgrpc.HealthCheckResponse_SERVING, healthgrpc.HealthCheckResponse_NOT_SERVING} {
		r, err := watch.Recv()
		if err != nil || r.Status != want {
			t.Fatalf("Watch gave %v, %v, want %v", r, err, want)
		}
		if want == healthgrpc.HealthCheckResponse_SERVING {
			p.drain()
		}
	}
	if text, err := textservice.Call(t.Context(), p.cc, ""); err != nil || text != "served" {
		t.Errorf("a call while the program lingers: %q, %v", text, err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("Watch ended with %v, want the code Unavailable", err)
	}
	if err := wait(t, "the end of the program", p.ended); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// A client that watches the health learns that the server is ending, also if the program does
// not linger. What the handler of the health service sees first, the status or the end, is
// chance, so there are many rounds. In half of them it never sees the status.
func TestHealthWithoutLinger(t *testing.T) {
	for i := range 40 {
		h := health.NewServer()
		served := h
		if i%2 == 0 {
			served = nil
		}
		p := runWith(t, serve.Program{Grace: soon}, textservice.Service{}, h, served)
		watch, err := p.health.Watch(t.Context(), new(healthgrpc.HealthCheckRequest))
		if err != nil {
			t.Fatal(err)
		}
		unknown, err := p.health.Watch(t.Context(), &healthgrpc.HealthCheckRequest{Service: "unknown"})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := watch.Recv(); err != nil || r.Status != healthgrpc.HealthCheckResponse_SERVING {
			t.Fatalf("Watch gave %v, %v, want SERVING", r, err)
		}
		if r, err := unknown.Recv(); err != nil || r.Status != healthgrpc.HealthCheckResponse_SERVICE_UNKNOWN {
			t.Fatalf("Watch of an unknown service gave %v, %v, want SERVICE_UNKNOWN", r, err)
		}
		p.drain()
		if r, err := watch.Recv(); err != nil || r.Status != healthgrpc.HealthCheckResponse_NOT_SERVING {
			t.Errorf("after the drain Watch gave %v, %v, want NOT_SERVING", r, err)
		}
		for name, stream := range map[string]healthgrpc.Health_WatchClient{"Watch": watch, "Watch of an unknown service": unknown} {
			if r, err := stream.Recv(); status.Code(err) != codes.Unavailable {
				t.Errorf("%s ended with %v, %v, want the code Unavailable", name, r, err)
			}
		}
		if err := wait(t, "the end of the program", p.ended); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	}
}

// What lasts longer than the grace is canceled, with the reason, and answers with a code
// that clients try elsewhere.
func TestGraceHasPassed(t *testing.T) {
	w := newWitness()
	p := run(t, serve.Program{Grace: 50 * time.Millisecond}, w.service())
	answers := make(chan error, 1)
	go func() { answers <- p.call("")(t.Context()) }()
	wait(t, "the handler", w.entered)
	p.drain()
	var cut *serve.CutError
	if cause := wait(t, "the end of the handler", w.causes); !errors.As(cause, &cut) {
		t.Errorf("the handler's cause is %v, want a CutError", cause)
	}
	err := wait(t, "the answer", answers)
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "server is shutting down: ") || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("the call returned %v, want the code Unavailable and the reason", err)
	}
	if err := wait(t, "the end of Serve", p.served); !errors.As(err, &cut) {
		t.Errorf("Serve = %v, want the cancellation", err)
	}
	if err := wait(t, "the end of the program", p.ended); !errors.As(err, &cut) {
		t.Errorf("Run = %v, want a CutError", err)
	} else if !strings.Contains(strings.Join(cut.Tasks, ", "), "/"+textservice.Name+"/Unary") {
		t.Errorf("what was cut off are %q, want the call among them", cut.Tasks)
	}
}

// Serve reports that calls were cut off, also if they end at the instant at which they are
// canceled. Which comes first is a matter of chance, so there are many rounds.
func TestCutOffIsReported(t *testing.T) {
	for range 40 {
		w := newWitness()
		p := run(t, serve.Program{Grace: time.Millisecond}, w.service())
		answers := make(chan error, 1)
		go func() { answers <- p.call("")(t.Context()) }()
		wait(t, "the handler", w.entered)
		p.drain()
		var cut *serve.CutError
		if err := wait(t, "the end of Serve", p.served); !errors.As(err, &cut) {
			t.Errorf("Serve = %v, want the cancellation", err)
		}
		wait(t, "the answer", answers)
	}
}

// A handler that has been canceled has a second to answer before its connection is closed.
func TestFarewell(t *testing.T) {
	entered := make(chan struct{})
	p := run(t, serve.Program{Grace: time.Millisecond}, textservice.Service{
		Unary: func(ctx context.Context, _ string) (string, error) {
			close(entered)
			<-ctx.Done()
			return "", cancelscope.Shield(ctx, soon, func(ctx context.Context) error {
				if err := deadline.Sleep(ctx, 50*time.Millisecond); err != nil {
					return err
				}
				return status.Error(codes.Aborted, "cleaned up")
			})
		},
	})
	answers := make(chan error, 1)
	go func() { answers <- p.call("")(t.Context()) }()
	wait(t, "the handler", entered)
	p.drain()
	if err := wait(t, "the answer", answers); status.Code(err) != codes.Aborted {
		t.Errorf("the call returned %v, want what the handler answered", err)
	}
	wait(t, "the end of the program", p.ended)
}

// A handler that does not look at its context loses its connection after the farewell, and
// is awaited all the same.
func TestStubbornHandler(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	p := run(t, serve.Program{}, textservice.Service{
		Unary: func(context.Context, string) (string, error) {
			close(entered)
			<-release
			return "", nil
		},
	})
	answers := make(chan error, 1)
	go func() { answers <- p.call("")(t.Context()) }()
	wait(t, "the handler", entered)
	p.drain()
	if err := wait(t, "the answer", answers); status.Code(err) != codes.Unavailable {
		t.Errorf("the call returned %v, want the code Unavailable", err)
	}
	select {
	case <-p.served:
		t.Error("Serve returned although a handler runs")
	default:
	}
	close(release)
	wait(t, "the end of Serve", p.served)
	wait(t, "the end of the program", p.ended)
}

// The context of a handler has the values of that of Serve, but is in none of its scopes.
func TestValuesOfServe(t *testing.T) {
	type key struct{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	service := textservice.Service{Unary: func(ctx context.Context, text string) (string, error) {
		value, _ := ctx.Value(key{}).(string)
		if _, ok := deadline.Effective(ctx); ok {
			value += ", and the deadline of a scope around Serve"
		}
		return value, nil
	}}
	service.Register(server)
	cc := dial(t, l.Addr().String(), append(grpcscope.Client{}.DialOptions(), insecureOption)...)
	var scope cancelscope.Scope
	scope.SetTimeout(time.Hour)
	err = scope.Run(context.WithValue(t.Context(), key{}, "value"), func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return scopes.Serve(ctx, server, l, nil) })
			text, err := textservice.Call(context.WithoutCancel(ctx), cc, "")
			if err != nil || text != "value" {
				t.Errorf("the handler found %q, %v, want the value", text, err)
			}
			n.Scope().Cancel(nil)
			return nil
		})
	})
	if err != nil {
		t.Errorf("the scope around Serve returned %v, want nil", err)
	}
}

// Serve returns the error of the server, and ends what it has started.
func TestServeFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	defer server.Stop()
	if err := scopes.Serve(t.Context(), server, l, health.NewServer()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener = %v, want net.ErrClosed", err)
	}
}
