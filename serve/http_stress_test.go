package serve_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// No request is lost on connections that are kept when the drain begins, as long as the
// clients pause for less than the program lingers; nor on new ones while it lingers. One
// that is made at the moment in which the listener is closed may be reset.
func TestKeptConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	answered := 0
	for range rounds {
		s := serveSite(t, serve.Program{Grace: patience, Linger: 300 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			after(t, time.Duration(r.ContentLength)*100*time.Microsecond) // the work
			io.Copy(w, r.Body)
		})
		results := make([]int, 20)
		var clients sync.WaitGroup
		for i := range results {
			seed := random.Uint64()
			clients.Go(func() {
				n, err := postUntilGone(s, rand.New(rand.NewPCG(seed, 1)))
				if results[i] = n; err != nil {
					t.Errorf("seed %d: after %d requests: %v", seed, n, err)
				}
			})
		}
		after(t, time.Duration(random.IntN(50))*time.Millisecond)
		serve.Drain(s.ctx, nil)
		clients.Wait()
		s.wantEnd(t, nil)
		for _, n := range results {
			answered += n
		}
	}
	if answered < 20*rounds {
		t.Errorf("seed %d: %d requests in %d rounds: too few to show anything", seed, answered, rounds)
	}
}

// postUntilGone sends requests that must not be repeated until the server cannot be
// connected to, and returns how many were answered.
func postUntilGone(s *site, random *rand.Rand) (answered int, err error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		text := strings.Repeat("x", random.IntN(50))
		kept := false
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { kept = i.Reused }})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr, strings.NewReader(text))
		if err != nil {
			return answered, err
		}
		req.GetBody = nil // nothing is repeated
		res, err := client.Do(req)
		if err != nil {
			if !kept && bubbletest.IsClosed(serve.Closing(s.ctx)) {
				err = nil
			}
			return answered, err
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != text {
			return answered, errors.Join(err, errors.New("the answer is "+string(got)))
		}
		answered++
	}
}

// Programs that drain at any moment end, and requests in progress are answered.
func TestDrainAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	for i := range rounds {
		l := listen(t)
		var requests sync.WaitGroup
		inside := make(chan struct{}, 1)
		err := serve.Program{Grace: patience, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case inside <- struct{}{}:
				default:
				}
				io.WriteString(w, "hello")
			})
			n.Go(func(ctx context.Context) error { return serve.HTTP(ctx, &http.Server{Handler: handler}, l) })
			for range 5 {
				requests.Go(func() {
					client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
					// It is answered, or it comes too late.
					if got, err := fetch(client, "http://"+l.Addr().String()); err == nil && got != "hello" {
						t.Errorf("GET = %q, want hello", got)
					}
				})
			}
			if i%2 == 0 {
				<-inside
			}
			serve.Drain(ctx, nil)
			return nil
		})
		requests.Wait()
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	}
}
