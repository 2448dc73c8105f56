package main

import (
	"context"
	"errors"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// start serves the service in a task, and returns a connection to it.
func start(ctx context.Context, n *nursery.Nursery, name string, service *textservice.Service) (*grpc.ClientConn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	scopes := &grpcscope.Server{Reasons: true}
	server := grpc.NewServer(scopes.ServerOptions()...)
	scopes.Register(server)
	service.Register(server)
	n.GoNamed(name, func(ctx context.Context) error { return scopes.Serve(ctx, server, l, nil) })

	options := append(grpcscope.Client{Reasons: true}.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return grpc.NewClient(l.Addr().String(), options...)
}

// A front makes pages of the answers of back ends.
type front struct {
	report   *report
	backends []client
}

type client struct {
	name string
	cc   *grpc.ClientConn
}

var errBudget = errors.New("a page has 500ms")

// page asks all back ends at once, under one limit. The first failure cancels the others.
func (f *front) page(ctx context.Context, item string) (string, error) {
	answers := make([]string, len(f.backends))
	scope := &cancelscope.Scope{Name: "page of the " + item, Reason: errBudget}
	scope.SetTimeout(limit)
	err := deadline.FailScope(ctx, scope, func(ctx context.Context) error {
		return nursery.Config{Name: item}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i, b := range f.backends {
				n.GoNamed(b.name, func(ctx context.Context) (err error) {
					answers[i], err = textservice.Call(ctx, b.cc, item)
					return err
				})
			}
			return nil
		})
	})
	if err != nil {
		f.report.printf("front", "%s", strings.ReplaceAll(err.Error(), "\n", "\n         "))
		return "", err
	}
	return strings.Join(answers, ", "), nil
}
