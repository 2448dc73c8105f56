package deadline_test

import (
	"context"
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
