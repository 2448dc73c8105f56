// Command httpserver is asked to end in the middle of a request, and answers it. Try it
// with another end as well: a Grace of a millisecond cuts the request off, exit code 3.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

func slow(w http.ResponseWriter, r *http.Request) {
	// In place of a SIGTERM, which would begin the drain just so.
	serve.Drain(r.Context(), errors.New("the middle of a request"))
	if err := deadline.Sleep(r.Context(), 50*time.Millisecond); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, "hello")
}

// get is a client: it prints what the server answers.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	fmt.Printf("%s %q, last on this connection: %t\n", res.Status, text, res.Close)
	return err
}

func main() {
	p := serve.Program{Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler)}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("/ready", serve.Ready(ctx)) // 503 from the drain on
		mux.HandleFunc("/slow", slow)
		n.GoNamed("server", func(ctx context.Context) error {
			return serve.HTTP(ctx, &http.Server{Handler: mux}, l)
		})
		return errors.Join(get(ctx, "http://"+l.Addr().String()+"/ready"), get(ctx, "http://"+l.Addr().String()+"/slow"))
	})
}

// Output:
// 200 OK "ready\n", last on this connection: false
// 200 OK "hello", last on this connection: true
