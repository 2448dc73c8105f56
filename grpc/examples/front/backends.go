package main

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// A backend knows one thing about an item.
type backend struct {
	name string
	ask  func(ctx context.Context, item string) (string, error)
}

func (b *backend) service(r *report) *textservice.Service {
	return &textservice.Service{Unary: func(ctx context.Context, item string) (string, error) {
		answer, err := b.ask(ctx, item)
		if ctx.Err() != nil {
			r.printf(b.name, "%s: %v", item, context.Cause(ctx))
		}
		return answer, err
	}}
}

func price(context.Context, string) (string, error) { return "12 EUR", nil }

// stock asks two warehouses, neither of which has a lamp.
func stock(ctx context.Context, item string) (string, error) {
	if item != "lamp" {
		return "3 in stock", nil
	}
	if err := deadline.Sleep(ctx, 50*time.Millisecond); err != nil {
		return "", err
	}
	return "", nursery.Config{Supervise: true}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		_, _ = n.Task("north", func(context.Context) error { return status.Error(codes.NotFound, "no lamps here") }).Join()
		_, _ = n.Task("south", func(context.Context) error { return status.Error(codes.Unavailable, "closed on Mondays") }).Join()
		return nil
	})
}

// reviews are fast for chairs alone.
func reviews(ctx context.Context, item string) (string, error) {
	if item == "chair" {
		return "good", nil
	}
	<-ctx.Done()
	return "", ctx.Err()
}
