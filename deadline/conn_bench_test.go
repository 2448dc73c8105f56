package deadline_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func BenchmarkConnRead(b *testing.B) {
	ready := func(b []byte) (int, error) { return len(b), nil }
	near := &fakeConn{read: ready}
	buffer := make([]byte, 10)
	b.Run("context=none", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			near.Read(buffer)
		}
	})
	b.Run("context=Background", func(b *testing.B) {
		c := deadline.Conn(context.Background(), near)
		b.ReportAllocs()
		for b.Loop() {
			c.Read(buffer)
		}
	})
	b.Run("context=Scope", func(b *testing.B) {
		var s cancelscope.Scope
		s.Run(b.Context(), func(ctx context.Context) error {
			c := deadline.Conn(ctx, near)
			b.ReportAllocs()
			for b.Loop() {
				c.Read(buffer)
			}
			return nil
		})
	})
	b.Run("context=WithCancel", func(b *testing.B) {
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		c := deadline.Conn(ctx, near)
		b.ReportAllocs()
		for b.Loop() {
			c.Read(buffer)
		}
	})
}

// Many small buffers are one system call, or many.
func BenchmarkConnBuffers(b *testing.B) {
	const buffers, size = 100, 64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Skip(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	go io.Copy(io.Discard, far)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	c := deadline.Conn(ctx, near)
	for _, bench := range []struct {
		name  string
		write func(*net.Buffers) (int64, error)
	}{
		{"by=net", func(v *net.Buffers) (int64, error) { return v.WriteTo(near) }},
		{"by=WriteTo", func(v *net.Buffers) (int64, error) { return v.WriteTo(c) }},
		{"by=WriteBuffers", c.(buffersWriter).WriteBuffers},
	} {
		b.Run(bench.name, func(b *testing.B) {
			data := make([]byte, size)
			all := make(net.Buffers, buffers)
			for b.Loop() {
				for i := range all {
					all[i] = data
				}
				rest := all
				if n, err := bench.write(&rest); n != buffers*size || err != nil {
					b.Fatalf("%s = %d, %v", bench.name, n, err)
				}
			}
		})
	}
}
