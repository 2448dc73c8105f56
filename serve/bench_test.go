package serve_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// BenchmarkHTTP is one small request over a connection that is kept.
func BenchmarkHTTP(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	send := func(b *testing.B, addr string) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fetch(client, "http://"+addr); err != nil {
				b.Fatal(err)
			}
		}
	}
	listen := func(b *testing.B) net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	b.Run("by=net-http", func(b *testing.B) {
		l := listen(b)
		s := &http.Server{Handler: hello}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Serve(l)
		}()
		send(b, l.Addr().String())
		s.Close()
		<-done
	})
	b.Run("by=serve", func(b *testing.B) {
		l := listen(b)
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.HTTP(ctx, &http.Server{Handler: hello}, l) })
			send(b, l.Addr().String())
			serve.Drain(ctx, nil)
			return nil
		})
		if err != nil {
			b.Error(err)
		}
	})
}
