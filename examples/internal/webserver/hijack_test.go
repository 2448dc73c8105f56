package webserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/trellis-go/trellis/examples/internal/webserver"
)

// A connection that is taken over while the server is being stopped has no
// deadline of the server's making.
func TestHijackWhileStopping(t *testing.T) {
	for range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		taken, result := make(chan struct{}), make(chan error, 1)
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			close(taken)
			_, err = conn.Read(make([]byte, 1))
			result <- err
		})
		done := make(chan error)
		go func() { done <- webserver.Run(ctx, l, handler) }()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		<-taken
		c.Close()
		if err := <-result; err != io.EOF {
			t.Errorf("Read of a connection that was taken over = %v, want EOF", err)
		}
		<-done
	}
}
