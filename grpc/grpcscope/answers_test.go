package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"net"
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

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// A publicError has a status for clients, and hides its cause from them.
type publicError struct{ cause error }

func (e *publicError) Error() string { return "secret: " + e.cause.Error() }
func (e *publicError) Unwrap() error { return e.cause }
func (e *publicError) GRPCStatus() *status.Status {
	st, _ := status.New(codes.InvalidArgument, "public").WithDetails(&errdetails.ErrorInfo{Reason: "WHY", Domain: "example.com"})
	return st
}

// An error of the program that has a status is answered by that status, whatever it wraps: it says
// what clients may see. So it is with Opaque if it is the error of a task.
func TestErrorsWithAStatusOfTheirOwn(t *testing.T) {
	for name, fail := range map[string]func(ctx context.Context) error{
		"nursery": func(ctx context.Context) error { return tasks(ctx, "db", task("password", fails(errBoom))) },
		"limit": func(ctx context.Context) error {
			return deadline.FailAfter(ctx, time.Nanosecond, func(ctx context.Context) error { return ctx.Err() })
		},
		"joined": func(ctx context.Context) error {
			return errors.Join(errBang, tasks(ctx, "db", task("password", fails(errBoom))))
		},
		"nothing": fails(errBoom),
	} {
		for _, opaque := range []bool{false, true} {
			p := failing(t, &grpcscope.Server{Opaque: opaque}, func(ctx context.Context) error { return &publicError{fail(ctx)} })
			if st := status.Convert(p.call("")(t.Context())); st.Code() != codes.InvalidArgument || st.Message() != "public" || len(st.Details()) != 1 {
				t.Errorf("around %s, opaque %t: the status is %v with %d details, want that of the error", name, opaque, st, len(st.Details()))
			}
		}
		p := failing(t, &grpcscope.Server{Opaque: true}, func(ctx context.Context) error {
			return tasks(ctx, "", task("secret", fails(&publicError{fail(ctx)})), task("other", fails(errBoom)))
		})
		if st := status.Convert(p.call("")(t.Context())); st.Code() != codes.InvalidArgument || st.Message() != "public" || len(st.Details()) != 0 {
			t.Errorf("around %s, of a task: the status is %v with %d details, want that of the error without details", name, st, len(st.Details()))
		}
	}
}

// The reason of a scope that a handler cancels is cut as every text is, so that the header of the
// answer does not grow with it.
func TestLongReasonOfTheServer(t *testing.T) {
	s := setup{}
	s.Unary = func(ctx context.Context, _ string) (string, error) {
		grpcscope.Nursery(ctx).Scope().Cancel(errors.New(strings.Repeat("ä\xff", 100_000)))
		return "", ctx.Err()
	}
	st := status.Convert(s.start(t).call("")(t.Context()))
	if size := proto.Size(st.Proto()); st.Code() != codes.Canceled || size > grpcscope.MaxStatus || !strings.Contains(st.Message(), "ää") && !strings.Contains(st.Message(), "ä\uFFFDä") {
		t.Errorf("the status has the code %v and %d bytes, want Canceled and at most %d: %.100s", st.Code(), size, grpcscope.MaxStatus, st.Message())
	}
}

// A status with a detail that cannot be sent is sent without it, and is not lost.
func TestDetailsThatCannotBeSent(t *testing.T) {
	good, err := anypb.New(&errdetails.ErrorInfo{Reason: "WHY", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	broken := status.FromProto(&spb.Status{Code: int32(codes.NotFound), Message: "gone\xff", Details: []*anypb.Any{{TypeUrl: "\xff"}, nil, good}}).Err()
	p := failing(t, nil, func(ctx context.Context) error {
		return tasks(ctx, "", task("a", fails(broken)), task("b", fails(fmt.Errorf("x: %w", broken))), task("c", fails(errBoom)))
	})
	err = p.call("")(t.Context())
	for _, name := range []string{"a", "b"} {
		st := status.Convert(taskOf(err, name))
		found := false
		for _, detail := range st.Details() {
			info, ok := detail.(*errdetails.ErrorInfo)
			found = found || ok && info.Reason == "WHY"
		}
		if st.Code() != codes.NotFound || !found {
			t.Errorf("task %s is %v with the details %v, want its status with the detail that can be sent", name, st, st.Details())
		}
	}
	if taskOf(err, "c") == nil {
		t.Errorf("the call returned %v, want the third failure as well", err)
	}
}

// The status of a call that is cut off by the end of the program names no tasks with Opaque.
func TestOpaqueEndOfTheProgram(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		scopes := &grpcscope.Server{Opaque: opaque}
		server := grpc.NewServer(scopes.ServerOptions()...)
		entered := make(chan struct{})
		service := textservice.Service{Unary: func(ctx context.Context, _ string) (string, error) {
			close(entered)
			<-ctx.Done()
			return "", ctx.Err()
		}}
		service.Register(server)
		cc := dial(t, l.Addr().String(), insecureOption)
		_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("server", func(ctx context.Context) error { return scopes.Serve(ctx, server, l, nil) })
			n.GoNamed("secret", func(context.Context) error { <-entered; return errBoom })
			_, err := textservice.Call(context.WithoutCancel(ctx), cc, "", grpc.WaitForReady(true))
			st := status.Convert(err)
			if st.Code() != codes.Unavailable || !strings.HasPrefix(st.Message(), "server is shutting down") || strings.Contains(st.Message(), "secret") == opaque {
				t.Errorf("opaque %t: the call returned %v, want the code Unavailable, and the name of the task without Opaque only", opaque, err)
			}
			return nil
		})
	}
}

// A nursery that keeps no failure is sent with its text, and the nursery of the call keeps the one
// that is the answer.
func TestNurseriesThatKeepNothing(t *testing.T) {
	none := nursery.Config{Keep: -1, OnError: func(*nursery.TaskError) {}}
	inside := ""
	for want, fail := range map[string]func(ctx context.Context) error{
		"rpc error: code = NotFound desc = gone": fails(status.Error(codes.NotFound, "gone")),
		"lookup: rpc error: code = NotFound desc = gone": func(ctx context.Context) error {
			grpcscope.Nursery(ctx).GoNamed("lookup", fails(status.Error(codes.NotFound, "gone")))
			<-ctx.Done()
			return ctx.Err()
		},
		"inside": func(ctx context.Context) error {
			err := none.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("lookup", fails(errBoom))
				return nil
			})
			inside = err.Error()
			return err
		},
	} {
		err := failing(t, &grpcscope.Server{Call: none}, fail).call("")(t.Context())
		if want == "inside" {
			want = inside
		}
		if err == nil || err.Error() != want {
			t.Errorf("the call returned %v, want %s", err, want)
		}
	}
}
