package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// failing is a pair whose handlers return the error, unary and at the end of a stream.
func failing(t testing.TB, scopes *grpcscope.Server, fail func(ctx context.Context) error) *pair {
	s := setup{scopes: scopes, Service: textservice.Service{
		Unary: func(ctx context.Context, _ string) (string, error) { return "", fail(ctx) },
		Stream: func(stream grpc.ServerStream) error {
			_ = textservice.Send(stream, "first")
			return fail(stream.Context())
		},
	}}
	return s.start(t)
}

// stream opens a stream and returns how it ended.
func (p *pair) stream(ctx context.Context) error {
	s, err := textservice.Open(ctx, p.cc, textservice.Both)
	for err == nil {
		_, err = textservice.Receive(s)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// tasks runs tasks one after another that fail, by name, in a nursery with that name.
func tasks(ctx context.Context, name string, list ...func(n *nursery.Nursery) *nursery.Task[struct{}]) error {
	return nursery.Config{Name: name, Supervise: true}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for _, start := range list {
			_, _ = start(n).Join()
		}
		return nil
	})
}

func task(name string, f func(ctx context.Context) error) func(n *nursery.Nursery) *nursery.Task[struct{}] {
	return func(n *nursery.Nursery) *nursery.Task[struct{}] { return n.Task(name, f) }
}

func fails(err error) func(context.Context) error { return func(context.Context) error { return err } }

var errSlow = errors.New("budget")

// trip fails in many ways.
func trip(ctx context.Context) error {
	detailed, _ := status.New(codes.ResourceExhausted, "no vacancy").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "nights"}}})
	return tasks(ctx, "trip",
		task("hotel", fails(detailed.Err())),
		task("", fails(errBoom)),
		task("car", func(ctx context.Context) error {
			s := &cancelscope.Scope{Name: "garage", Reason: errSlow}
			s.SetTimeout(time.Millisecond)
			return deadline.FailScope(ctx, s, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}),
		task("flight", func(ctx context.Context) error {
			return fmt.Errorf("day 2: %w", tasks(ctx, "",
				task("museum", fails(fmt.Errorf("lookup: %w", status.Error(codes.NotFound, "closed")))),
				task("", fails(errBang))))
		}),
		task("both", fails(errors.Join(errBang, nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return errBoom })))),
		task("panic", func(ctx context.Context) error {
			return nursery.Config{Panics: nursery.ConvertPanics}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("deep", func(context.Context) error { panic("oh\nno") })
				return nil
			})
		}),
	)
}

// The errors of a nursery at the server become those of a nursery at the client: the text,
// the tasks with their names, their codes and details, and limits.
func TestErrorsOfTasks(t *testing.T) {
	want := ""
	var late *deadline.TooSlowError // at the server
	p := failing(t, nil, func(ctx context.Context) error {
		err := trip(ctx)
		want = err.Error()
		errors.As(err, &late)
		return err
	})
	for name, call := range map[string]func(context.Context) error{"unary": p.call(""), "stream": p.stream} {
		t.Run(name, func(t *testing.T) {
			err := call(t.Context())
			// The stack of the panic is the only thing that is not sent.
			before, _, _ := strings.Cut(want, "\tpanic: ")
			got, rest, _ := strings.Cut(err.Error(), "\tpanic: ")
			if got != before {
				t.Errorf("at the client:\n%s\nat the server:\n%s", got, before)
			}
			if rest != "deep: panic: oh no" {
				t.Errorf("the panic is %q, want one line without a stack", rest)
			}
			all, ok := err.(*nursery.Error)
			if !ok || len(all.Unwrap()) != 6 {
				t.Fatalf("the call returned a %T, want a *nursery.Error with six members", err)
			}
			if got := status.Code(err); got != codes.ResourceExhausted {
				t.Errorf("the code is %v, want that of the first failure", got)
			}
			if first, ok := status.FromError(nursery.First(err)); !ok || first.Message() != "no vacancy" || len(first.Details()) != 1 {
				t.Errorf("the first failure is %v, want the status with its detail", first)
			}
			var slow *deadline.TooSlowError
			if !errors.As(taskOf(err, "car"), &slow) || slow.Name != "garage" || slow.Limit != late.Limit || !slow.Deadline.Equal(late.Deadline) || slow.Reason.Error() != "budget" {
				t.Errorf("the car is a %#v, want %#v", slow, late)
			}
			if got := status.Code(taskOf(err, "car")); got != codes.DeadlineExceeded {
				t.Errorf("the code of the car is %v, want DeadlineExceeded", got)
			}
			if got := status.Code(taskOf(taskOf(err, "flight"), "museum")); got != codes.NotFound {
				t.Errorf("the code of the museum is %v, want NotFound", got)
			}
			if got := status.Code(taskOf(err, "panic")); got != codes.Internal {
				t.Errorf("the code of the panic is %v, want Internal", got)
			}
		})
	}
}

// taskOf returns what the task of that name returned.
func taskOf(err error, name string) error {
	var all *nursery.Error
	if !errors.As(err, &all) {
		return nil
	}
	for _, member := range all.Unwrap() {
		if t, ok := member.(*nursery.TaskError); ok && t.Task == name {
			return t.Err
		}
	}
	return nil
}

// A client without this module finds an ordinary status, with a status for each task.
func TestErrorsForOtherClients(t *testing.T) {
	p := failing(t, nil, trip)
	_, err := textservice.Call(t.Context(), dial(t, p.addr, insecureOption), "")
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted || !strings.HasPrefix(st.Message(), "trip: 6 tasks failed:\n\thotel: ") {
		t.Errorf("the status is %v %q", st.Code(), st.Message())
	}
	if strings.Contains(fmt.Sprint(st.Proto()), "goroutine ") {
		t.Errorf("the stack of a panic was sent: %v", st.Proto())
	}
	var found []string
	for _, detail := range st.Details() {
		if task, ok := detail.(*spb.Status); ok {
			var info errdetails.ErrorInfo
			if err := task.Details[0].UnmarshalTo(&info); err != nil {
				t.Fatal(err)
			}
			found = append(found, fmt.Sprint(info.Reason, " ", info.Metadata["task"], " ", codes.Code(task.Code)))
		}
	}
	if len(found) != 6 || found[0] != "TASK hotel ResourceExhausted" || found[2] != "TASK car DeadlineExceeded" {
		t.Errorf("details: %q", found)
	}
}

// What a handler returns without a nursery is answered as plain gRPC does.
func TestPlainErrors(t *testing.T) {
	detailed, _ := status.New(codes.InvalidArgument, "x").WithDetails(&errdetails.ErrorInfo{Reason: "WHY", Domain: "example.com"})
	for _, err := range []error{
		errBoom, status.Error(codes.NotFound, "gone"), fmt.Errorf("lookup: %w", status.Error(codes.NotFound, "gone")),
		errors.Join(errBoom, errBang), detailed.Err(), io.EOF, context.Canceled, context.DeadlineExceeded,
		fmt.Errorf("x: %w", context.DeadlineExceeded),
	} {
		service := textservice.Service{Unary: func(context.Context, string) (string, error) { return "", err }}
		_, want := textservice.Call(t.Context(), dial(t, plain(t, service), insecureOption), "")
		got := setup{Service: service}.start(t).call("")(t.Context())
		if got.Error() != want.Error() || !reflect.DeepEqual(status.Convert(got).Details(), status.Convert(want).Details()) {
			t.Errorf("handler returned %v: got %v, plain gRPC %v", err, got, want)
		}
	}
}

// A task that fails cancels the handler, and the client gets its error. Tasks that run when
// the handler returns are awaited.
func TestNurseryOfTheCall(t *testing.T) {
	ended := make(chan string, 4)
	s := setup{}
	s.Unary = func(ctx context.Context, text string) (string, error) {
		n := grpcscope.Nursery(ctx)
		switch text {
		case "fail":
			n.GoNamed("lookup", func(context.Context) error { return status.Error(codes.NotFound, "no such text") })
			<-ctx.Done()
			return "", ctx.Err()
		case "late":
			n.GoNamed("audit", func(ctx context.Context) error {
				err := deadline.Sleep(ctx, 20*time.Millisecond)
				ended <- "audit"
				return err
			})
		case "cancel":
			n.Scope().Cancel(errBoom)
			return "", ctx.Err()
		case "nil":
			n.Scope().Cancel(errBoom)
			return "fine", nil
		}
		return "done", nil
	}
	s.Stream = func(stream grpc.ServerStream) error {
		grpcscope.Nursery(stream.Context()).GoNamed("sender", func(ctx context.Context) error {
			if err := deadline.Sleep(ctx, 20*time.Millisecond); err != nil {
				return err
			}
			return textservice.Send(stream, "from a task")
		})
		return nil
	}
	p := s.start(t)
	ctx := t.Context()
	err := p.call("fail")(ctx)
	if status.Code(err) != codes.NotFound || status.Code(taskOf(err, "lookup")) != codes.NotFound {
		t.Errorf("fail: %v, want the error of the task alone", err)
	}
	if err := p.call("late")(ctx); err != nil || len(ended) != 1 {
		t.Errorf("late: %v, and %d tasks have ended, want nil and 1", err, len(ended))
	}
	if err := p.call("cancel")(ctx); status.Code(err) != codes.Canceled || !strings.Contains(err.Error(), "boom") {
		t.Errorf("cancel: %v, want the code Canceled and the reason", err)
	}
	if err := p.call("nil")(ctx); err != nil {
		t.Errorf("nil: %v, want the result", err)
	}
	stream, err := textservice.Open(ctx, p.cc, textservice.Down)
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err := textservice.Receive(stream); text != "from a task" || err != nil {
		t.Errorf("stream: %q, %v", text, err)
	}
	if _, err := textservice.Receive(stream); err != io.EOF {
		t.Errorf("stream: %v, want its end", err)
	}
}

// A limit of the server's own is a real error at the client, also inside a limit there.
func TestLimitOfTheServer(t *testing.T) {
	s := setup{scopes: &grpcscope.Server{Call: nursery.Config{Timeout: 20 * time.Millisecond}}}
	s.Unary = blocking(nil)
	p := s.start(t)
	expired, err := deadline.MoveOnAfter(t.Context(), soon, p.call(""))
	if expired || status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("MoveOnAfter = %t, %v, want false and the code DeadlineExceeded", expired, err)
	}
}

// The server's scope does not absorb what the client has canceled: the call fails.
func TestRemoteCancellationIsNotAbsorbed(t *testing.T) {
	results := make(chan error, 1)
	outermost := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		if strings.Contains(info.FullMethod, textservice.Name) { // and not a report
			results <- err
		}
		return resp, err
	}
	for _, show := range []bool{false, true} {
		w := newWitness()
		scopes := &grpcscope.Server{Reasons: show}
		service := w.service()
		service.Unary = func(ctx context.Context, _ string) (string, error) {
			return "", nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return deadline.Sleep(ctx, time.Hour) })
				n.Go(w.await)
				return nil
			})
		}
		s := setup{scopes: scopes, client: grpcscope.Client{Reasons: true}, Service: service}
		s.first = []grpc.ServerOption{grpc.ChainUnaryInterceptor(outermost)}
		p := s.start(t)
		var scope cancelscope.Scope
		go func() { <-w.entered; scope.Cancel(errBoom) }()
		if err := scope.Run(t.Context(), p.call("")); err != nil {
			t.Errorf("the client's scope: %v", err)
		}
		if err := wait(t, "the result", results); status.Code(err) != codes.Canceled || !errors.Is(err, context.Canceled) {
			t.Errorf("reasons %t: the interceptor around saw %v, want a cancellation", show, err)
		}
		wait(t, "the cause", w.causes)
	}
}

// A failure beside the cancellation by the client is not lost on interceptors around.
func TestFailureBesideACancellation(t *testing.T) {
	results := make(chan error, 1)
	s := setup{}
	s.first = []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := handler(ctx, req)
		results <- err
		return resp, err
	})}
	entered := make(chan struct{}, 1)
	s.Unary = func(ctx context.Context, _ string) (string, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return "", errors.Join(ctx.Err(), errBoom)
	}
	p := s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	_ = p.call("")(ctx)
	if err := wait(t, "the result", results); !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) {
		t.Errorf("the interceptor around saw %v, want boom alone", err)
	}
}

// With Opaque the client gets the code and the text of the first failure.
func TestOpaque(t *testing.T) {
	for want, fail := range map[string]func(ctx context.Context) error{
		"no vacancy": trip,
		"boom": func(ctx context.Context) error {
			return fmt.Errorf("secret: %w", tasks(ctx, "secret", task("secret", fails(errBoom)), task("other", fails(errBang))))
		},
		"panic: oh": func(ctx context.Context) error {
			return nursery.Config{Panics: nursery.ConvertPanics}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("secret", func(context.Context) error { panic("oh") })
				return nil
			})
		},
		"too slow: limit of 1ms exceeded: secret": func(ctx context.Context) error {
			return tasks(ctx, "", task("secret", fails(&deadline.TooSlowError{Limit: time.Millisecond, Reason: errors.New("secret")})))
		},
		"plain": fails(errors.New("plain")),
	} {
		p := failing(t, &grpcscope.Server{Opaque: true}, fail)
		if st := status.Convert(p.call("")(t.Context())); st.Message() != want || len(st.Details()) != 0 {
			t.Errorf("the status is %v with %d details, want %q and none", st, len(st.Details()), want)
		}
	}
}

// A status is bounded, whatever fails.
func TestLargeErrors(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 5000) + "\xff")
	deep := errBoom
	for range 200 {
		deep = nursery.Run(context.Background(), func(context.Context, *nursery.Nursery) error { return fmt.Errorf("in: %w", deep) })
	}
	details := status.New(codes.NotFound, "x")
	for range 20 {
		details, _ = details.WithDetails(&errdetails.DebugInfo{Detail: strings.Repeat("d", 1000)})
	}
	for name, fail := range map[string]func(ctx context.Context) error{
		"many": func(ctx context.Context) error {
			return nursery.Config{Supervise: true, Name: strings.Repeat("n", 1000)}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for i := range 1000 {
					n.GoNamed(strings.Repeat("t", 500)+fmt.Sprint(i), fails(long))
				}
				return nil
			})
		},
		"long": func(ctx context.Context) error {
			return tasks(ctx, "\xff", task("a\xff", fails(long)), task("b", fails(errBoom)))
		},
		"deep": func(ctx context.Context) error { return deep },
		"details": func(ctx context.Context) error {
			return tasks(ctx, "", task("a", fails(details.Err())), task("b", fails(errBoom)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := failing(t, nil, fail)
			_, err := textservice.Call(t.Context(), dial(t, p.addr, insecureOption), "")
			if size := proto.Size(status.Convert(err).Proto()); size > grpcscope.MaxStatus {
				t.Errorf("the status has %d bytes, want at most %d", size, grpcscope.MaxStatus)
			}
			err = p.call("")(t.Context())
			if _, ok := err.(*nursery.Error); !ok {
				t.Fatalf("the call returned a %T: %.100v", err, err)
			}
			switch name {
			case "many":
				if !strings.Contains(err.Error(), "more that were not sent") {
					t.Errorf("the text does not say that something is missing: %v", err)
				}
			case "long":
				if got := taskOf(err, "b"); got == nil || got.Error() != "boom" {
					t.Errorf("the second failure is lost: %v", err)
				}
			case "details":
				if status.Code(taskOf(err, "a")) != codes.NotFound || len(status.Convert(taskOf(err, "a")).Details()) != 0 {
					t.Errorf("task a is %v, want its status without the details", taskOf(err, "a"))
				}
			}
		})
	}
}

// What a server sends is not trusted.
func TestDamagedDetails(t *testing.T) {
	info := func(kind string, fields map[string]string) *anypb.Any {
		a, _ := anypb.New(&errdetails.ErrorInfo{Reason: kind, Domain: "trellis", Metadata: fields})
		return a
	}
	pack := func(p *spb.Status) *anypb.Any { a, _ := anypb.New(p); return a }
	nested := &spb.Status{Code: 5, Message: "leaf"}
	for range 500 {
		nested = &spb.Status{Code: 5, Message: "in", Details: []*anypb.Any{info("NURSERY", nil), pack(nested)}}
	}
	wide := &spb.Status{Code: 5, Message: "wide", Details: []*anypb.Any{info("NURSERY", map[string]string{"more": "-1"})}}
	for range 20_000 {
		wide.Details = append(wide.Details, pack(&spb.Status{Code: 5}))
	}
	for name, p := range map[string]*spb.Status{
		"nothing in it":   {Code: 5, Message: "m", Details: []*anypb.Any{info("NURSERY", nil)}},
		"unknown kind":    {Code: 5, Message: "m", Details: []*anypb.Any{info("FUTURE", nil), info("x", nil)}},
		"no task":         {Code: 5, Message: "m", Details: []*anypb.Any{info("TASK", nil)}},
		"not a status":    {Code: 5, Message: "m", Details: []*anypb.Any{info("NURSERY", nil), {TypeUrl: "x", Value: []byte("x")}}},
		"success inside":  {Code: 5, Message: "m", Details: []*anypb.Any{info("NURSERY", nil), pack(&spb.Status{Message: "ok"})}},
		"a broken limit":  {Code: 5, Message: "m", Details: []*anypb.Any{info("TOO_SLOW", map[string]string{"limit": "x", "deadline": "y"})}},
		"a false number":  {Code: 5, Message: "m", Details: []*anypb.Any{info("NURSERY", map[string]string{"more": "x"}), pack(&spb.Status{Code: 5})}},
		"nested too deep": nested,
		"too many":        wide,
	} {
		t.Run(name, func(t *testing.T) {
			p := setup{Service: textservice.Service{Unary: func(context.Context, string) (string, error) { return "", status.FromProto(p).Err() }}}.start(t)
			err := p.call("")(t.Context())
			if st, ok := status.FromError(err); !ok || st.Code() != codes.NotFound && name != "success inside" || err.Error() == "" {
				t.Errorf("the call returned %.200v (%T), want an error with the code NotFound", err, err)
			}
			levels := 0
			for all, ok := err.(*nursery.Error); ok; all, ok = all.Unwrap()[0].(*nursery.Error) {
				levels++
			}
			if levels > 50 {
				t.Errorf("%d levels were restored, want at most 50", levels)
			}
		})
	}
}
