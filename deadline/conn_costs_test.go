package deadline_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Nothing is left with the context between calls, and no call has a goroutine but
// its own.
func TestConnCosts(t *testing.T) {
	const conns = 100
	perContext := func(t *testing.T, ctx context.Context, blocked func()) {
		before := runtime.NumGoroutine()
		var results []<-chan result
		var peers []net.Conn
		for range conns {
			near, far := pipe(t)
			peers = append(peers, far)
			c := deadline.Conn(ctx, near)
			results = append(results, start(c.Read, make([]byte, 1)), start(c.Write, make([]byte, 1)))
		}
		synctest.Wait() // every call is blocked
		// Fewer, where one of an earlier test was just about to end.
		if got := runtime.NumGoroutine() - before; got > 2*conns {
			t.Errorf("%d blocked calls: %d goroutines, want as many", 2*conns, got)
		}
		blocked()
		for _, peer := range peers {
			peer.Write(make([]byte, 1))
			peer.Read(make([]byte, 1))
		}
		for _, done := range results {
			wantResult(t, "call", <-done, 1, nil)
		}
	}
	bubbletest.Run(t, "foreign context", func(t *testing.T) {
		ctx := &ledgerContext{Context: t.Context()}
		perContext(t, ctx, func() {
			if got, want := ctx.registered.Load(), int64(2*conns); got != want {
				t.Errorf("%d blocked calls: %d registrations, want %d", 2*conns, got, want)
			}
		})
		if got := ctx.registered.Load(); got != 0 {
			t.Errorf("%d registrations left while nothing is blocked", got)
		}
	})
	bubbletest.Run(t, "scope", func(t *testing.T) {
		var s cancelscope.Scope
		s.SetTimeout(year)
		type key struct{}
		s.Run(t.Context(), func(ctx context.Context) error {
			perContext(t, context.WithValue(ctx, key{}, conns), func() {})
			return nil
		})
	})
}
