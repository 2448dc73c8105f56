package nursery_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A network has hosts that answer after some time.
type network struct {
	start time.Time
	hosts map[string]host

	mu     sync.Mutex
	dialed []string // with the time
	closed []string
}

type host struct {
	after time.Duration
	err   error
	deaf  bool // answers in spite of a cancellation
}

// A line is a connection to a host.
type line struct {
	net  *network
	addr string
}

func (l *line) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	l.net.closed = append(l.net.closed, l.addr)
	return nil
}

func (n *network) dial(ctx context.Context, addr string) (io.Closer, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, fmt.Sprint(addr, " ", time.Since(n.start)))
	h := n.hosts[addr]
	n.mu.Unlock()
	if h.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if err := deadline.Sleep(ctx, h.after); err != nil {
		return nil, err
	}
	if h.err != nil {
		return nil, h.err
	}
	return &line{n, addr}, nil
}

// The example of happy eyeballs keeps to the time that the RFC asks for.
func TestHappyEyeballs(t *testing.T) {
	for _, c := range []struct {
		name           string
		hosts          map[string]host
		dialed, closed []string
		elapsed        time.Duration
		conn, err      string
	}{
		{"the first is quick", map[string]host{"a": {after: 100 * time.Millisecond}},
			[]string{"a 0s"}, nil, 100 * time.Millisecond, "a", "nil"},
		{"the first does not answer", map[string]host{"a": {after: forever}, "b": {after: forever}, "c": {after: time.Second}, "d": {after: forever}},
			[]string{"a 0s", "b 250ms", "c 500ms", "d 750ms"}, nil, 1500 * time.Millisecond, "c", "nil"},
		{"a failure starts the next at once", map[string]host{"a": {after: time.Millisecond, err: errBoom}, "b": {err: errBang}, "c": {after: 200 * time.Millisecond}},
			[]string{"a 0s", "b 1ms", "c 1ms"}, nil, 201 * time.Millisecond, "c", "nil"},
		{"a slow one wins", map[string]host{"a": {after: 600 * time.Millisecond}, "b": {after: forever}, "c": {after: forever}},
			[]string{"a 0s", "b 250ms", "c 500ms"}, nil, 600 * time.Millisecond, "a", "nil"},
		{"one connects too late", map[string]host{"a": {after: time.Second, deaf: true}, "b": {after: 100 * time.Millisecond}},
			[]string{"a 0s", "b 250ms"}, []string{"a"}, time.Second, "b", "nil"},
		{"all fail", map[string]host{"a": {err: errBoom}, "b": {after: time.Second, err: errBang}, "c": {err: errCrash}, "d": {after: time.Second, err: errBoom}},
			[]string{"a 0s", "b 0s", "c 250ms", "d 250ms"}, nil, 1250 * time.Millisecond, "", "[a=boom c=crash b=bang d=boom]"},
	} {
		bubbletest.Run(t, c.name, func(t *testing.T) {
			net := &network{start: time.Now(), hosts: c.hosts}
			conn, err := dialFirst(t.Context(), net.dial, "a", "b", "c", "d")
			checkShape(t, "dialFirst", err, c.err)
			bubbletest.CheckElapsed(t, "dialFirst", net.start, c.elapsed)
			if l, ok := conn.(*line); ok != (c.conn != "") || ok && l.addr != c.conn {
				t.Errorf("dialFirst = %v, want a connection to %q", conn, c.conn)
			}
			if !slices.Equal(net.dialed, c.dialed) || !slices.Equal(net.closed, c.closed) {
				t.Errorf("dialed %v, closed %v, want %v, %v", net.dialed, net.closed, c.dialed, c.closed)
			}
		})
	}
	bubbletest.Run(t, "the time is up", func(t *testing.T) {
		net := &network{start: time.Now(), hosts: map[string]host{"a": {after: forever}, "b": {err: errBoom}, "c": {after: forever}, "d": {after: forever}}}
		expired, err := deadline.MoveOnAfter(t.Context(), 300*time.Millisecond, func(ctx context.Context) error {
			_, err := dialFirst(ctx, net.dial, "a", "b", "c", "d")
			return err
		})
		if !expired {
			t.Error("MoveOnAfter around dialFirst = false, want true")
		}
		checkShape(t, "MoveOnAfter around dialFirst", err, "[b=boom]")
		if want := []string{"a 0s", "b 250ms", "c 250ms"}; !slices.Equal(net.dialed, want) {
			t.Errorf("dialed %v, want %v", net.dialed, want)
		}
	})
}
