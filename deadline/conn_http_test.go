package deadline_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/trellis-go/trellis/deadline"
)

// dialBelowTLS is a DialTLSContext that returns a *tls.Conn, as net/http needs for HTTP/2,
// on a connection that is bound to ctx.
func dialBelowTLS(ctx context.Context, config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(deadline.Conn(ctx, raw), config)
		if err := c.HandshakeContext(dialing); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// The way that the documentation of Conn names for http.Transport: HTTP/2 works, and the
// end of the context ends the connection.
func TestConnBelowTLSForHTTP2(t *testing.T) {
	served := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
		w.(http.Flusher).Flush()
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
		served <- struct{}{}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = []string{"h2"}, "example.com" // as in the certificate of the test server
	client := &http.Client{Transport: &http.Transport{
		DialTLSContext:    dialBelowTLS(ctx, config),
		ForceAttemptHTTP2: true,
	}}
	defer client.CloseIdleConnections()

	get := func(path string) *http.Response {
		t.Helper()
		response, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatalf("Get %s: %v", path, err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	if text, err := io.ReadAll(get("/").Body); string(text) != "HTTP/2.0" || err != nil {
		t.Errorf("Get: got %q, %v, want HTTP/2.0", text, err)
	}
	<-served
	body := get("/hang").Body
	cancel(&namedError{"enough"})
	if _, err := io.ReadAll(body); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("reading a response while the context of its connection is canceled: got %v, want an error", err)
	}
	<-served
}
