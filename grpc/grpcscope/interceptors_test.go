package grpcscope_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/grpc/grpcscope"
)

// An interceptor of a server that uses the nursery of each call finds one in the call of a report
// too, which a client makes whenever it likes.
func TestNurseryOfAReport(t *testing.T) {
	w := newWitness()
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: w.service()}
	methods := make(chan string, 2)
	s.server = []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		grpcscope.Nursery(ctx).GoNamed("audit", func(context.Context) error {
			methods <- info.FullMethod
			return nil
		})
		return handler(ctx, req)
	})}
	p := s.start(t)
	scope := &cancelscope.Scope{Name: "search"}
	go func() { <-w.entered; scope.Cancel(errBoom) }()
	if err := scope.Run(t.Context(), p.call("")); err != nil {
		t.Errorf("around a call: %v, want nil", err)
	}
	if cause := wait(t, "the cause", w.causes); cause.Error() != `client's scope "search" canceled: boom` {
		t.Errorf("the handler's cause is %v, want the report", cause)
	}
	wait(t, "the task of the call", methods)
	if got := wait(t, "the task of the report", methods); got != "/trellis.v1.Reasons/Report" {
		t.Errorf("the second call was %s, want that of the report", got)
	}
}
