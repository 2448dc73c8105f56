package serve

import (
	"context"
	"io"
	"net/http"
)

// Ready returns a handler for the readiness probe of a load balancer. It answers 200
// until the drain of the program that ctx belongs to begins, and 503 from that moment
// on, or when ctx is done. The context of the request plays no part, so the handler may
// also be served by a server that does not drain: see [WithoutDrain]. Any number of
// goroutines may use the handler; it does not block.
//
// Liveness is something else: a program that drains is alive. Answer that probe with a
// plain handler.
//
// Ready panics if ctx is nil.
func Ready(ctx context.Context) http.Handler {
	if ctx == nil {
		panic("serve: Ready with a nil context: pass the context of the body")
	}
	draining := Draining(ctx)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text := "ready\n"
		select {
		case <-draining:
			w.WriteHeader(http.StatusServiceUnavailable)
			text = "draining\n"
		default:
			if ctx.Err() != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				text = "ending\n"
			}
		}
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, text) // a probe that has gone needs no answer
		}
	})
}
