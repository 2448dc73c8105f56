package grpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// What docs/grpc.md shows is in this file, word for word, and runs. The health service serves
// as the service of the page, because this module has no generated code.

func connect(target string) (*grpc.ClientConn, error) {
	options := append(grpcscope.Client{}.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return grpc.NewClient(target, options...)
}

func page(ctx context.Context, stock, reviews healthpb.HealthClient) (string, error) {
	text := "no reviews yet"
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("stock", func(ctx context.Context) error {
			_, err := stock.Check(ctx, &healthpb.HealthCheckRequest{Service: "chairs"})
			return err
		})
		n.GoNamed("reviews", func(ctx context.Context) error {
			expired, err := deadline.MoveOnAfter(ctx, 50*time.Millisecond, func(ctx context.Context) error {
				_, err := reviews.Check(ctx, &healthpb.HealthCheckRequest{Service: "chairs"})
				return err
			})
			if err == nil && !expired {
				text = "good reviews"
			}
			return err
		})
		return nil
	})
	return text, err
}

// A shop asks its warehouses.
type shop struct {
	healthpb.UnimplementedHealthServer
	warehouses []warehouse
	watch      func(ctx context.Context, stream healthpb.Health_WatchServer) error
}

type warehouse struct {
	name string
	ask  func(ctx context.Context, item string) error
}

func (s *shop) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	n := grpcscope.Nursery(ctx)
	for _, warehouse := range s.warehouses {
		n.GoNamed(warehouse.name, func(ctx context.Context) error { return warehouse.ask(ctx, req.Service) })
	}
	return &healthpb.HealthCheckResponse{}, nil
}

func (s *shop) Watch(_ *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	return s.watch(stream.Context(), stream)
}

// open opens a shop with the interceptors of scopes, and with those of the page around them.
func open(t *testing.T, scopes *grpcscope.Server, s *shop) healthpb.HealthClient {
	t.Helper()
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(recovery, logging, scopes.Unary(), authenticate),
		grpc.ChainStreamInterceptor(scopes.Stream()),
	)
	healthpb.RegisterHealthServer(server, s)
	if scopes.Reasons {
		scopes.Register(server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	cc, err := connect(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cc.Close()
		server.GracefulStop()
		<-ended
	})
	return healthpb.NewHealthClient(cc)
}

func recovery(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = status.Errorf(codes.Internal, "panic: %v", v)
		}
	}()
	return handler(ctx, req)
}

func logging(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(ctx, req)
}

func authenticate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(ctx, req)
}

// The page of a shop with slow reviews.
func TestDocsClient(t *testing.T) {
	stock := open(t, new(grpcscope.Server), new(shop))
	reviews := open(t, new(grpcscope.Server), &shop{warehouses: []warehouse{{"slow", func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}}}})
	if text, err := page(t.Context(), stock, reviews); text != "no reviews yet" || err != nil {
		t.Errorf("page = %q, %v", text, err)
	}
	if text, err := page(t.Context(), stock, stock); text != "good reviews" || err != nil {
		t.Errorf("page = %q, %v", text, err)
	}
}

// The error of the client's limit.
func TestDocsLimit(t *testing.T) {
	client := open(t, new(grpcscope.Server), &shop{warehouses: []warehouse{{"slow", func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}}}})
	printed := output(t, func() {
		ctx := t.Context()
		err := deadline.FailAfter(ctx, 50*time.Millisecond, func(ctx context.Context) error {
			_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "chairs"})
			return err
		})
		var slow *deadline.TooSlowError
		if errors.As(err, &slow) {
			fmt.Println(slow.Limit, status.Code(err), grpcscope.Code(err)) // 50ms Unknown DeadlineExceeded
		}
	})
	if want := "50ms Unknown DeadlineExceeded\n"; printed != want {
		t.Errorf("the page prints %q, want %q", printed, want)
	}
}

// The errors of two warehouses.
func TestDocsErrors(t *testing.T) {
	south := make(chan struct{})
	client := open(t, new(grpcscope.Server), &shop{warehouses: []warehouse{
		{"north", func(ctx context.Context, _ string) error {
			<-south
			return status.Error(codes.NotFound, "no chairs")
		}},
		{"south", func(ctx context.Context, _ string) error {
			close(south)
			<-ctx.Done()
			return status.Error(codes.DataLoss, "fire")
		}},
	}})
	printed := output(t, func() {
		ctx := t.Context()
		_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "chairs"})
		var all *nursery.Error
		if errors.As(err, &all) {
			for _, member := range all.Unwrap() {
				failed := member.(*nursery.TaskError)
				fmt.Println(failed.Task, status.Code(failed.Err))
			}
		}
	})
	if want := "north NotFound\nsouth DataLoss\n"; printed != want {
		t.Errorf("the page prints %q, want %q", printed, want)
	}
}

// output returns what f writes to standard output.
func output(t *testing.T, f func()) string {
	t.Helper()
	path := t.TempDir() + "/stdout"
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	f()
	_ = file.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The log of a canceled handler.
func TestDocsReasons(t *testing.T) {
	var logged strings.Builder
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	ended := make(chan struct{})
	scopes := &grpcscope.Server{Reasons: true}
	server := grpc.NewServer(scopes.ServerOptions()...)
	scopes.Register(server)
	healthpb.RegisterHealthServer(server, &shop{warehouses: []warehouse{{"slow", func(ctx context.Context, _ string) error {
		defer close(ended)
		<-ctx.Done()
		var client *grpcscope.ClientCanceled
		if errors.As(context.Cause(ctx), &client) {
			log.Printf("scope %q at the client: %v: %s", client.Scope, client.Kind, client.Reason)
		}
		return ctx.Err()
	}}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	options := append(grpcscope.Client{Reasons: true}.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	cc, err := grpc.NewClient(l.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = deadline.MoveOnAfter(t.Context(), 500*time.Millisecond, func(ctx context.Context) error {
		_, err := healthpb.NewHealthClient(cc).Check(ctx, new(healthpb.HealthCheckRequest))
		return err
	})
	<-ended
	_ = cc.Close()
	server.GracefulStop()
	<-served
	if !strings.Contains(logged.String(), `scope "" at the client: deadline: `) {
		t.Errorf("logged %q", &logged)
	}
}

// A chat repeats what is said.
type chat struct{ words chan string }

func (s *chat) say(word string) { s.words <- word }

func (s *chat) heard(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			select {
			case word := <-s.words:
				if !yield("heard " + word) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *chat) Talk(stream grpc.BidiStreamingServer[wrapperspb.StringValue, wrapperspb.StringValue]) error {
	return nursery.Run(stream.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		bound := &grpc.GenericServerStream[wrapperspb.StringValue, wrapperspb.StringValue]{ServerStream: grpcscope.BindServer(ctx, stream)}
		n.GoNamed("receiver", func(ctx context.Context) error {
			for {
				m, err := bound.Recv()
				if err != nil {
					return err // of the client, or the cancellation if the sender has failed
				}
				s.say(m.Value)
			}
		})
		n.GoNamed("sender", func(ctx context.Context) error {
			for m := range s.heard(ctx) {
				if err := bound.Send(wrapperspb.String(m)); err != nil {
					return err
				}
			}
			return context.Cause(ctx)
		})
		return nil
	})
}

// The chat of the page answers, and ends with its client.
func TestDocsStreams(t *testing.T) {
	s := &chat{make(chan string, 10)}
	ended := make(chan error, 1)
	service := textservice.Service{Stream: func(stream grpc.ServerStream) error {
		err := s.Talk(&grpc.GenericServerStream[wrapperspb.StringValue, wrapperspb.StringValue]{ServerStream: stream})
		ended <- err
		return err
	}}
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	service.Register(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	cc, err := connect(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cc.Close()
		server.Stop()
		<-served
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := textservice.Open(ctx, cc, textservice.Both)
	if err != nil {
		t.Fatal(err)
	}
	answer := new(wrapperspb.StringValue)
	bound := grpcscope.BindClient(ctx, stream)
	expired, err := deadline.MoveOnAfter(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		return grpcscope.BindClient(ctx, bound).RecvMsg(answer)
	})
	if !expired || err != nil {
		t.Errorf("MoveOnAfter = %t, %v, want a limit that expires", expired, err)
	}
	if err := textservice.Send(bound, "hello"); err != nil {
		t.Fatal(err)
	}
	if text, err := textservice.Receive(bound); text != "heard hello" || err != nil {
		t.Errorf("received %q, %v, want heard hello", text, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Talk = %v, want the cancellation by the client", err)
	}
}

// main is the program of the page. TestDocsMain runs it in a process of its own.
func main() {
	serve.Program{Grace: 20 * time.Second}.Main(func(ctx context.Context, n *nursery.Nursery) error {
		l, err := net.Listen("tcp", ":50051")
		if err != nil {
			return err
		}
		scopes := new(grpcscope.Server)
		server := grpc.NewServer(scopes.ServerOptions()...)
		status := health.NewServer()
		healthpb.RegisterHealthServer(server, status)
		return scopes.Serve(ctx, server, l, status)
	})
}

// The program of the page serves, and ends well when it gets a signal.
func TestDocsMain(t *testing.T) {
	if l, err := net.Listen("tcp", ":50051"); err != nil {
		t.Skipf("the program of the page was NOT run, because its port is in use: %v", err)
	} else {
		_ = l.Close()
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), mainVariable+"=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	cc, err := connect("127.0.0.1:50051")
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	r, err := healthpb.NewHealthClient(cc).Check(t.Context(), new(healthpb.HealthCheckRequest), grpc.WaitForReady(true))
	if err != nil || r.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("Check = %v, %v, want SERVING", r, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Skipf("no signals here: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v, want the exit code 0", err)
	}
}

// The stream of the page ends with the drain, and so does the program.
func TestDocsDrain(t *testing.T) {
	updates := make(chan *healthpb.HealthCheckResponse, 1)
	updates <- &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}
	s := &shop{watch: func(ctx context.Context, stream healthpb.Health_WatchServer) error {
		for {
			select {
			case news := <-updates:
				if err := stream.Send(news); err != nil {
					return err
				}
			case <-serve.Draining(ctx):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scopes := new(grpcscope.Server)
	server := grpc.NewServer(scopes.ServerOptions()...)
	healthpb.RegisterHealthServer(server, s)
	cc, err := connect(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	err = serve.Program{Grace: time.Minute}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return scopes.Serve(ctx, server, l, nil) })
		stream, err := healthpb.NewHealthClient(cc).Watch(ctx, new(healthpb.HealthCheckRequest))
		if err != nil {
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
		serve.Drain(ctx, nil)
		_, err = stream.Recv()
		if status.Code(err) == codes.Unavailable {
			err = nil // a call that watches the health of a server is ended in any case
		}
		if err != nil && err.Error() != "EOF" {
			return err
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// Every piece of Go on the page is in this file, and what the page says that the example prints
// is what its test wants.
func TestDocsAreRun(t *testing.T) {
	page, err := os.ReadFile("../docs/grpc.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(string(page), "```go\n")[1:]
	if len(pieces) < 7 {
		t.Errorf("%d pieces of Go on the page, want at least 7", len(pieces))
	}
	for _, piece := range pieces {
		piece, _, _ = strings.Cut(piece, "```")
		if !strings.Contains(normal(string(source)), normal(piece)) {
			t.Errorf("a piece of the page is not in this file:\n%s", piece)
		}
	}
	example, err := os.ReadFile("examples/front/main_test.go")
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(string(example), "\n")
	_, after, _ := strings.Cut(string(page), "## Try it")
	shown, _, _ := strings.Cut(after, "## How it is proven")
	lines := 0
	for line := range strings.Lines(shown) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok || strings.HasPrefix(line, "go run") {
			continue
		}
		lines++
		if !slices.ContainsFunc(wanted, func(w string) bool { return strings.Trim(w, "`,") == line }) {
			t.Errorf("the page says that the example prints %q, its test does not", line)
		}
	}
	if lines < 10 {
		t.Errorf("the page shows %d lines of the example, want at least 10", lines)
	}
}

// normal returns the lines without indentation.
func normal(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
