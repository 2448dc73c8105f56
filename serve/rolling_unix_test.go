//go:build unix

package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// What the processes of a rolling restart are and do.
const (
	rollingLinger = time.Second            // longer than a request and a look at readiness
	rollingGrace  = 20 * time.Second       // more than enough
	rollingWork   = 500 * time.Millisecond // a request takes up to so long
)

func init() {
	programs["rolling"] = rollingServer
	programs["common"] = commonServer
}

// rollingHandler takes as long as the request says, and gives up when its context is
// done, as handlers with a database behind them do.
func rollingHandler(ready http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/ready", ready)
	mux.HandleFunc("/work", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			fmt.Fprintf(w, "%s %d %s", r.Proto, os.Getpid(), text)
		case <-r.Context().Done():
			http.Error(w, context.Cause(r.Context()).Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}

// rollingListeners opens a plain listener and one for TLS, and prints where they are.
func rollingListeners() (plain, secure net.Listener, config *tls.Config) {
	plain, err1 := net.Listen("tcp", "127.0.0.1:0")
	secure, err2 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err1, err2); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %v %v\n", plain.Addr(), secure.Addr())
	s := httptest.NewUnstartedServer(nil) // has a certificate for tests
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	return plain, secure, s.TLS.Clone()
}

// rollingServer is a server with package serve.
func rollingServer() {
	p := serve.Program{Name: "rolling", Grace: rollingGrace, Linger: rollingLinger}
	p.Main(func(ctx context.Context, n *nursery.Nursery) error {
		plain, secure, config := rollingListeners()
		handler := rollingHandler(serve.Ready(ctx))
		n.Go(func(ctx context.Context) error {
			return serve.HTTP(ctx, &http.Server{Handler: handler, TLSConfig: config}, secure)
		})
		return serve.HTTP(ctx, &http.Server{Handler: handler}, plain)
	})
}

// commonServer is the same as it is usually written: the context of the signal is that of
// the requests, and Shutdown follows.
func commonServer() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	plain, secure, config := rollingListeners()
	handler := rollingHandler(serve.Ready(ctx))
	base := func(net.Listener) context.Context { return ctx }
	one := &http.Server{Handler: handler, BaseContext: base}
	two := &http.Server{Handler: handler, BaseContext: base, TLSConfig: config}
	go one.Serve(plain)
	go two.ServeTLS(secure, "", "")
	<-ctx.Done()
	limited, cancel := context.WithTimeout(context.Background(), rollingGrace)
	defer cancel()
	if err := errors.Join(one.Shutdown(limited), two.Shutdown(limited)); err != nil {
		log.Fatal(err)
	}
}

// TestRollingRestart restarts two servers behind a load balancer one after the other, under
// load. TRELLIS_TEST_RESTARTS says how often; it is three times otherwise.
func TestRollingRestart(t *testing.T) {
	restarts := 3
	if n, err := strconv.Atoi(os.Getenv("TRELLIS_TEST_RESTARTS")); err == nil {
		restarts = n
	}
	if testing.Short() {
		restarts = 1
	}
	result := roll(t, "rolling", restarts, "exit status 0")
	if len(result.failures) > 0 {
		t.Errorf("%d of %d requests failed, want none; the first ones: %q", len(result.failures), result.requests, result.failures[:min(5, len(result.failures))])
	}
	if want := 150 * restarts; result.requests < want || result.http2 < want/10 || result.posts < want/10 {
		t.Errorf("%d requests, %d by HTTP/2, %d POST: too few to show anything", result.requests, result.http2, result.posts)
	}
	t.Logf("%d restarts of each: %d requests by %d processes, %d by HTTP/2, %d POST, %d failed",
		restarts, result.requests, result.processes, result.http2, result.posts, len(result.failures))
}

// The common pattern fails the requests that its grace period is for. If this test fails,
// TestRollingRestart shows nothing.
func TestRollingRestartCommonPattern(t *testing.T) {
	result := roll(t, "common", 1, "exit status 0")
	if len(result.failures) == 0 {
		t.Errorf("none of %d requests failed", result.requests)
	}
	t.Logf("%d of %d requests failed", len(result.failures), result.requests)
}

// A rolled is what clients have seen during restarts.
type rolled struct {
	requests, http2, posts, processes int
	failures                          []string
}

// roll runs two servers and restarts each of them so many times, while clients send
// requests. Each process must end in the given way.
func roll(t *testing.T, program string, restarts int, end string) rolled {
	b := newBalancer(t)
	var servers [2]*proctest.Process
	launch := func(i int) {
		servers[i] = proctest.Start(t, program)
		where := servers[i].Out.Await(t, `^listening (\S+) (\S+)$`)
		b.set(i, where[1], where[2])
		b.awaitReady(t, i)
	}
	launch(0)
	launch(1)
	load := startLoad(t, b)
	processes := 2
	load.awaitProcesses(t, processes)
	for range restarts {
		for i := range servers {
			servers[i].Signal(t, syscall.SIGTERM)
			servers[i].Expect(t, end)
			launch(i)
			processes++
			load.awaitProcesses(t, processes)
		}
	}
	return load.stop()
}

// A balancer passes TCP connections to the servers that are ready.
type balancer struct {
	plain, secure net.Listener
	tasks         sync.WaitGroup
	next          atomic.Uint32

	mu       sync.Mutex
	backends [2]backend            // guarded by mu
	changed  chan struct{}         // closed, and replaced, when backends change; guarded by mu
	conns    map[net.Conn]struct{} // guarded by mu
	closed   bool                  // guarded by mu
}

type backend struct {
	plain, secure string
	ready         bool
}

func newBalancer(t *testing.T) *balancer {
	b := &balancer{plain: listen(t), secure: listen(t), changed: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	b.tasks.Go(func() { b.accept(ctx, b.plain, func(k backend) string { return k.plain }) })
	b.tasks.Go(func() { b.accept(ctx, b.secure, func(k backend) string { return k.secure }) })
	b.tasks.Go(func() { b.probe(ctx) })
	t.Cleanup(func() {
		cancel()
		b.plain.Close()
		b.secure.Close()
		b.mu.Lock()
		b.closed = true
		for c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.tasks.Wait()
	})
	return b
}

// set makes a server known, which is not ready yet.
func (b *balancer) set(i int, plain, secure string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends[i] = backend{plain: plain, secure: secure}
}

// probe asks the servers again and again whether they are ready.
func (b *balancer) probe(ctx context.Context) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		for i := range b.backends {
			b.mu.Lock()
			k := b.backends[i]
			b.mu.Unlock()
			if k.plain == "" {
				continue
			}
			res, err := client.Get("http://" + k.plain + "/ready")
			ready := err == nil && res.StatusCode == http.StatusOK
			if err == nil {
				res.Body.Close()
			}
			b.mu.Lock()
			if b.backends[i].plain == k.plain && b.backends[i].ready != ready {
				b.backends[i].ready = ready
				close(b.changed)
				b.changed = make(chan struct{})
			}
			b.mu.Unlock()
		}
	}
}

func (b *balancer) awaitReady(t *testing.T, i int) {
	t.Helper()
	limit := time.After(patience)
	for {
		b.mu.Lock()
		ready, changed := b.backends[i].ready, b.changed
		b.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("server %d does not get ready", i)
		}
	}
}

func (b *balancer) accept(ctx context.Context, l net.Listener, addr func(backend) string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.tasks.Go(func() { b.pass(ctx, c, addr) })
	}
}

// pass connects a client to a server that is ready.
func (b *balancer) pass(ctx context.Context, c net.Conn, addr func(backend) string) {
	defer b.drop(c)
	if !b.keep(c) {
		return
	}
	s := b.dial(ctx, addr)
	if s == nil {
		return
	}
	defer b.drop(s)
	if !b.keep(s) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { copyHalf(s, c) })
	copyHalf(c, s)
	both.Wait()
}

// dial connects to a server that is ready, and waits until there is one.
func (b *balancer) dial(ctx context.Context, addr func(backend) string) net.Conn {
	for {
		first := int(b.next.Add(1))
		b.mu.Lock()
		backends, changed := b.backends, b.changed
		b.mu.Unlock()
		for i := range backends {
			if k := backends[(first+i)%len(backends)]; k.ready {
				if s, err := net.Dial("tcp", addr(k)); err == nil {
					return s
				}
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// copyHalf copies from one connection to another until the first has ended.
func copyHalf(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	to.(*net.TCPConn).CloseWrite()
}

func (b *balancer) keep(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = struct{}{}
	return !b.closed
}

func (b *balancer) drop(c net.Conn) {
	c.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

// A load is clients that send requests.
type load struct {
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu        sync.Mutex
	result    rolled          // guarded by mu
	processes map[string]bool // guarded by mu
}

// startLoad starts clients: 80 of HTTP/1 with a connection each, and 20 of HTTP/2 that
// share four.
func startLoad(t *testing.T, b *balancer) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, processes: make(map[string]bool)}
	t.Cleanup(func() { l.stop() })
	for range 80 {
		client := &http.Client{Transport: &http.Transport{}}
		l.tasks.Go(func() { l.client(ctx, client, "http://"+b.plain.Addr().String()) })
	}
	for range 4 {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		for range 5 {
			l.tasks.Go(func() { l.client(ctx, client, "https://"+b.secure.Addr().String()) })
		}
	}
	return l
}

// client sends one request after another. What may be repeated, package net/http repeats:
// GET on a connection that was kept and has been closed, and POST if nothing of it has been
// sent, or if HTTP/2 says that it was not processed. Nothing else is.
func (l *load) client(ctx context.Context, client *http.Client, url string) {
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		ms := rand.IntN(int(rollingWork / time.Millisecond))
		method, text := http.MethodGet, ""
		if rand.IntN(4) == 0 {
			method, text = http.MethodPost, strconv.Itoa(ms)
		}
		// Not with ctx: a request that has been begun comes to its end.
		req, err := http.NewRequest(method, fmt.Sprintf("%s/work?ms=%d", url, ms), bytes.NewBufferString(text))
		if err != nil {
			l.count(method, "", "", err)
			return
		}
		proto, pid, err := ask(client, req, text)
		l.count(method, proto, pid, err)
		if rand.IntN(10) == 0 {
			client.CloseIdleConnections() // to come to a new server some time
		}
	}
}

// ask sends a request, and returns the protocol and the process that the answer names.
func ask(client *http.Client, req *http.Request, text string) (proto, pid string, err error) {
	res, err := client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(answer))
	}
	parts := bytes.SplitN(answer, []byte(" "), 3)
	if len(parts) != 3 || string(parts[2]) != text {
		return "", "", fmt.Errorf("the answer is %q, want one that ends with %q", answer, text)
	}
	return string(parts[0]), string(parts[1]), nil
}

func (l *load) count(method, proto, pid string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.requests++
	if err != nil {
		l.result.failures = append(l.result.failures, method+" "+err.Error())
		return
	}
	if proto == "HTTP/2.0" {
		l.result.http2++
	}
	if method == http.MethodPost {
		l.result.posts++
	}
	l.processes[pid] = true
}

// awaitProcesses waits until so many processes have answered.
func (l *load) awaitProcesses(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		l.mu.Lock()
		seen := len(l.processes)
		l.mu.Unlock()
		if seen >= n {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("requests were answered by %d processes, want %d", seen, n)
		}
	}
}

// stop waits for the requests that have been begun.
func (l *load) stop() rolled {
	l.cancel()
	l.tasks.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.processes = len(l.processes)
	return l.result
}
