package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

const (
	backends     = 8
	requestLimit = time.Second
)

// An asking gets all of the URLs at the same time, each within requestLimit. The first
// failure ends the rest.
type asking func(ctx context.Context, urls []string, get func(ctx context.Context, url string) error) error

// request: an HTTP handler that asks some servers and waits for all of them. Clients
// and servers are in this process, and connections are kept open.
func (c config) request() []workload {
	w := workload{name: "request", units: 1}
	for _, lib := range []struct {
		name string
		ask  asking
	}{{"trellis", askTrellis}, {"errgroup", askErrgroup}, {"raw", askRaw}, {"conc", askConc}} {
		w.entrants = append(w.entrants, entrant{lib.name, func(tb testing.TB, _ *meter) func() error {
			return c.serve(tb, lib.ask)
		}})
	}
	return []workload{w}
}

// serve starts the servers and returns what sends one request.
func (c config) serve(tb testing.TB, ask asking) func() error {
	transport := &http.Transport{MaxIdleConnsPerHost: backends}
	client := &http.Client{Transport: transport}
	saw := c.seen(nothing)
	start := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		tb.Cleanup(s.Close)
		return s.URL
	}
	var urls []string
	for range backends {
		urls = append(urls, start(func(w http.ResponseWriter, _ *http.Request) {
			saw()
			io.WriteString(w, `{"price": 42}`)
		}))
	}
	get := func(ctx context.Context, url string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err = io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return err
	}
	front := start(func(w http.ResponseWriter, r *http.Request) {
		if err := ask(r.Context(), urls, get); err != nil {
			http.Error(w, fmt.Sprint(err), http.StatusBadGateway)
		}
	})
	tb.Cleanup(transport.CloseIdleConnections) // before the servers wait for connections to end
	return func() error { return get(context.Background(), front) }
}

func askTrellis(ctx context.Context, urls []string, get func(context.Context, string) error) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for _, url := range urls {
			n.Go(func(ctx context.Context) error {
				return deadline.FailAfter(ctx, requestLimit, func(ctx context.Context) error { return get(ctx, url) })
			})
		}
		return nil
	})
}

// limited is get with a time limit of the standard library.
func limited(ctx context.Context, url string, get func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	return get(ctx, url)
}

func askErrgroup(ctx context.Context, urls []string, get func(context.Context, string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		g.Go(func() error { return limited(ctx, url, get) })
	}
	return g.Wait()
}

func askConc(ctx context.Context, urls []string, get func(context.Context, string) error) error {
	p := pool.New().WithContext(ctx).WithCancelOnError()
	for _, url := range urls {
		p.Go(func(ctx context.Context) error { return limited(ctx, url, get) })
	}
	return p.Wait()
}

func askRaw(ctx context.Context, urls []string, get func(context.Context, string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(urls))
	for i, url := range urls {
		wg.Go(func() {
			if errs[i] = limited(ctx, url, get); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
