package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// limit is how long a page may take.
const limit = 500 * time.Millisecond

// show starts the back ends and the front end as tasks of the program, asks for three pages,
// and has the program drain.
func show(ctx context.Context, n *nursery.Nursery, r *report) error {
	f := &front{report: r}
	for _, b := range []*backend{{"price", price}, {"stock", stock}, {"reviews", reviews}} {
		cc, err := start(ctx, n, b.name, b.service(r))
		if err != nil {
			return err
		}
		defer cc.Close()
		f.backends = append(f.backends, client{b.name, cc})
	}
	cc, err := start(ctx, n, "front", &textservice.Service{Unary: f.page})
	if err != nil {
		return err
	}
	defer cc.Close()

	for _, item := range []string{"chair", "book", "lamp"} {
		page, err := textservice.Call(ctx, cc, item)
		if err != nil {
			r.printf("client", "%s: code %v", item, status.Code(err))
			explain(r, "  ", err)
			continue
		}
		r.printf("client", "%s: %s", item, page)
	}
	serve.Drain(ctx, errors.New("all pages are shown"))
	return nil
}

// explain prints the failures in the error of a call, task by task.
func explain(r *report, indent string, err error) {
	var slow *deadline.TooSlowError
	var all *nursery.Error
	switch {
	case errors.As(err, &slow):
		r.printf("client", "%s%v", indent, slow)
	case errors.As(err, &all):
		for _, member := range all.Unwrap() {
			failed := member.(*nursery.TaskError)
			r.printf("client", "%s%s", indent, failed.Task)
			explain(r, indent+"  ", failed.Err)
		}
	default:
		r.printf("client", "%s%v", indent, err)
	}
}
