package nursery_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// silentServer starts a server that takes requests and does not answer while the test runs.
func silentServer(t *testing.T) (url string, requests <-chan struct{}) {
	arrived := make(chan struct{}, 10)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(func() {
		close(release)
		server.Close()
	})
	return server.URL, arrived
}

// get makes a request under ctx with a client of its own.
func get(t *testing.T, ctx context.Context, url string, timeout time.Duration) error {
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: timeout}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatalf("NewRequestWithContext: %v", err)
	}
	response, err := client.Do(request)
	if err == nil {
		response.Body.Close()
	}
	return err
}

// Seen elsewhere: whatever errors.Is finds a context error in is dropped as soon as
// the group is canceled, and with it the timeout of a request that has nothing to do
// with the cancellation.
func TestRivalHTTPClientTimeout(t *testing.T) {
	const short = time.Millisecond

	// timedOut checks that err, which call gave, reports the timeout of one request.
	timedOut := func(t *testing.T, call string, err error) {
		t.Helper()
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s = %v, want the timeout of the client", call, err)
		}
		if errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, in which errors.Is finds context.Canceled", call, err)
		}
	}
	t.Run("in a scope that is canceled by hand after it", func(t *testing.T) {
		url, _ := silentServer(t)
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := get(t, ctx, url, short)
			s.Cancel(nil)
			return err
		})
		timedOut(t, "Run", err)
		if s.CanceledCaught() {
			t.Errorf("CanceledCaught() = true, want false: there was nothing to catch")
		}
	})
	t.Run("in a scope that was canceled by hand before it", func(t *testing.T) {
		url, _ := silentServer(t)
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			clean := get(t, context.WithoutCancel(ctx), url, short)
			return errors.Join(ctx.Err(), clean)
		})
		timedOut(t, "Run", err)
		if !s.CanceledCaught() {
			t.Errorf("CanceledCaught() = false, want true")
		}
	})
	t.Run("in a nursery that a sibling has canceled", func(t *testing.T) {
		url, _ := silentServer(t)
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("request", func(ctx context.Context) error {
				err := get(t, ctx, url, short)
				n.Scope().Cancel(nil)
				return err
			})
			n.GoNamed("waiting", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return nil
		})
		timedOut(t, "Run", err)
		if got := len(leaves(err)); got != 1 {
			t.Errorf("Run = %v with %d errors, want 1", err, got)
		}
	})
	t.Run("but a request that the scope cut short is a cancellation", func(t *testing.T) {
		for name, cut := range cuts {
			url, requests := silentServer(t)
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					err := get(t, ctx, url, time.Hour)
					if !cancelscope.IsCancellation(ctx, err) {
						t.Errorf("%s: IsCancellation(%v) = false, want true", name, err)
					}
					return err
				})
				<-requests
				cut(n.Scope())
				return nil
			})
			if err != nil {
				t.Errorf("%s: Run = %v, want nil", name, err)
			}
		}
	})
}

// cuts are the ways to cancel a scope that runs.
var cuts = map[string]func(s *cancelscope.Scope){
	"by hand":     func(s *cancelscope.Scope) { s.Cancel(errBoom) },
	"by deadline": func(s *cancelscope.Scope) { s.SetTimeout(0) },
}

// Seen elsewhere: "operation was canceled", which is not context.Canceled but claims
// to be, is taken for a failure.
func TestRivalDialer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skipf("no loopback: %v", err)
	}
	defer listener.Close()
	address := listener.Addr().String()

	t.Run("with the context of a scope that is canceled", func(t *testing.T) {
		for name, cut := range cuts {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				cut(&s)
				_, err := new(net.Dialer).DialContext(ctx, "tcp", address)
				if err == nil {
					t.Errorf("%s: DialContext with a done context = nil, want an error", name)
				}
				return err
			})
			if err != nil || !s.CanceledCaught() {
				t.Errorf("%s: Run = %v with CanceledCaught() = %v, want nil, true", name, err, s.CanceledCaught())
			}
		}
	})
	t.Run("while it dials", func(t *testing.T) {
		for name, cut := range cuts {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				dialer := net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error {
					cut(&s) // between the socket and the connection
					return nil
				}}
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err == nil {
					conn.Close()
					return ctx.Err() // it was quicker
				}
				return err
			})
			if err != nil || !s.CanceledCaught() {
				t.Errorf("%s: Run = %v with CanceledCaught() = %v, want nil, true", name, err, s.CanceledCaught())
			}
		}
	})
	t.Run("that is refused is a failure", func(t *testing.T) {
		gone, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("Listen: %v", err)
		}
		gone.Close()
		var s cancelscope.Scope
		err = s.Run(t.Context(), func(ctx context.Context) error {
			_, err := new(net.Dialer).DialContext(ctx, "tcp", gone.Addr().String())
			s.Cancel(nil)
			return err
		})
		if err == nil || s.CanceledCaught() {
			t.Errorf("Run = %v with CanceledCaught() = %v, want the refusal, false", err, s.CanceledCaught())
		}
	})
}
