package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trellis-go/trellis/nursery"
)

// Connect to whichever of a host's addresses answers first: happy eyeballs, RFC 8305.
// The next attempt starts when the one before has failed, or after a delay, while that
// one continues. When one succeeds, the others are canceled, and whatever connects too
// late is closed.
func Example_happyEyeballs() {
	dial := func(ctx context.Context, addr string) (io.Closer, error) {
		switch addr {
		case "[2001:db8::1]:443":
			<-ctx.Done() // packets get lost
			return nil, ctx.Err()
		case "192.0.2.1:443":
			return nil, errors.New("connection refused")
		}
		return connection(addr), nil
	}
	fmt.Println(dialFirst(context.Background(), dial, "[2001:db8::1]:443", "192.0.2.1:443", "192.0.2.2:443"))
	fmt.Println(dialFirst(context.Background(), dial, "192.0.2.1:443"))
	// Output:
	// connected to 192.0.2.2:443 <nil>
	// <nil> 192.0.2.1:443: connection refused
}

// dialFirst returns the first connection, or all errors.
func dialFirst(ctx context.Context, dial func(ctx context.Context, addr string) (io.Closer, error), addrs ...string) (io.Closer, error) {
	const delay = 250 * time.Millisecond // as the RFC recommends
	won := make(chan io.Closer, 1)
	failures := nursery.Config{Supervise: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for _, addr := range addrs {
			failed := make(chan struct{})
			n.GoNamed(addr, func(ctx context.Context) error {
				conn, err := dial(ctx, addr)
				if err != nil {
					close(failed)
					return err
				}
				select {
				case won <- conn:
					n.Scope().Cancel(nil)
				default:
					conn.Close()
				}
				return nil
			})
			select {
			case <-failed:
			case <-time.After(delay):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	select {
	case conn := <-won:
		return conn, nil
	default:
		return nil, failures
	}
}

// A connection is what the dialler of the example gives.
type connection string

func (c connection) String() string { return "connected to " + string(c) }
func (c connection) Close() error   { return nil }
