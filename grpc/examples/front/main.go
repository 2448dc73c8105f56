// Front runs a front end that asks three back ends under one limit, and prints on both sides
// what was canceled or failed, and why.
//
//	go run -C grpc ./examples/front
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

func main() {
	serve.Program{Name: "front", Grace: 5 * time.Second}.Main(func(ctx context.Context, n *nursery.Nursery) error {
		return show(ctx, n, &report{w: os.Stdout})
	})
}

// A report is a log with a column for the part of the program that writes.
type report struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

func (r *report) printf(part, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.w, "%-8s "+format+"\n", append([]any{part}, args...)...)
}
