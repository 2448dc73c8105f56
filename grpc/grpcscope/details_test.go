package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/nursery"
)

// The errors of a nursery at the server are those of a nursery at the client.
func TestErrorsOfTasks(t *testing.T) {
	var want string
	s := setup{scopes: &grpcscope.Server{Call: nursery.Config{Supervise: true}}}
	s.Unary = func(ctx context.Context, text string) (string, error) {
		err := nursery.Config{Name: "trip", Supervise: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Task("hotel", func(context.Context) error { return status.Error(codes.ResourceExhausted, "no vacancy") }).Join()
			n.Task("", func(context.Context) error { return errBoom }).Join()
			n.Task("car", func(ctx context.Context) error {
				return deadline.FailAfter(ctx, time.Millisecond, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			}).Join()
			n.Task("more", func(ctx context.Context) error {
				return fmt.Errorf("day 2: %w", nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("museum", func(context.Context) error { return fmt.Errorf("lookup: %w", status.Error(codes.NotFound, "closed")) })
					return nil
				}))
			}).Join()
			return nil
		})
		want = err.Error()
		return "", err
	}
	p := s.start(t)
	err := p.call("")(t.Context())
	if got := status.Code(err); got != codes.ResourceExhausted {
		t.Errorf("code %v, want that of the first failure", got)
	}
	if err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
	var all *nursery.Error
	if !errors.As(err, &all) {
		t.Fatalf("%T", err)
	}
	fmt.Printf("%v\n", err)
}
