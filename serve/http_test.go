package serve_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A request in progress is answered, and its context is not done meanwhile.
func TestRequestInProgressIsAnswered(t *testing.T) {
	l := listen(t)
	inside, release := make(chan struct{}), make(chan struct{})
	var ctxErr error
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-serve.Closing(r.Context())
		<-release
		ctxErr = r.Context().Err()
		io.WriteString(w, "done")
	})}
	var drain func()
	began := make(chan struct{})
	wait := start(t, func() error {
		return serve.Program{Grace: patience, Log: quiet}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			drain = func() { serve.Drain(ctx, nil) }
			close(began)
			return serve.HTTP(ctx, server, l)
		})
	})
	<-began
	get := start(t, func() error {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		res, err := client.Get("http://" + l.Addr().String())
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); string(text) != "done" || err != nil {
			t.Errorf("GET = %q, %v, want done", text, err)
		}
		if !res.Close {
			t.Error("the response does not ask for the end of the connection")
		}
		return nil
	})
	await(t, "the request", inside)
	drain()
	close(release)
	if err := get(); err != nil {
		t.Errorf("GET in the drain: %v", err)
	}
	if err := wait(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if ctxErr != nil {
		t.Errorf("the context of the request: %v, want nil", ctxErr)
	}
}
