package main

import (
	"context"
	"net"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

var Main = main

// Serve runs the program on l, and gives its context to started.
func Serve(l net.Listener, grace time.Duration, maxLine, clients int, started func(ctx context.Context)) error {
	s := &server{grace: grace, maxLine: maxLine, clients: clients}
	return serve.Program{Grace: grace}.Run(context.Background(), func(ctx context.Context, _ *nursery.Nursery) error {
		started(ctx)
		return s.serve(ctx, l)
	})
}
