package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// talk sends a line every 20 ms and reads the reply, until the connection ends.
func talk(c net.Conn) {
	defer c.Close()
	replies := bufio.NewReader(c)
	for {
		if _, err := io.WriteString(c, "line\n"); err != nil {
			return
		}
		if _, err := replies.ReadString('\n'); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A client that talks until Grace has passed is cut off. Its handler sees the
// cancellation, and not the end of the client, and the program says that it cut work off,
// also if the handler does not.
func TestConnsCutATalkingClient(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result func(error) error // of the handler, from that of its Read
	}{
		{"handler=honest", func(err error) error { return err }},
		{"handler=silent", func(error) error { return nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				var read, cause error // of the handler
				handle := func(ctx context.Context, c net.Conn) error {
					lines := bufio.NewScanner(c)
					for lines.Scan() {
						if _, err := fmt.Fprintln(c, lines.Text()); err != nil {
							t.Errorf("Write = %v, want the cancellation in a Read", err)
						}
					}
					read, cause = lines.Err(), context.Cause(ctx)
					return tt.result(read)
				}
				start, left := time.Now(), make(chan struct{})
				err := serve.Program{Grace: 2*time.Second + 10*time.Millisecond, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { return serve.Conns(ctx, l, 10, handle) })
					c, err := l.dial(ctx, "", "")
					if err != nil {
						return err
					}
					go func() {
						defer close(left)
						talk(c)
					}()
					time.Sleep(time.Second)
					serve.Drain(ctx, nil)
					return nil
				})
				if took := time.Since(start); took != 3*time.Second+10*time.Millisecond {
					t.Errorf("Run took %v, want 3.01s", took)
				}
				<-left
				if cause == nil || read != cause {
					t.Errorf("Read = %v, want the cause of the context, %v", read, cause)
				}
				if !errors.As(err, new(*serve.CutError)) || serve.ExitCode(err) != 3 {
					t.Errorf("Run = %v, exit code %d, want a CutError and 3", err, serve.ExitCode(err))
				}
			})
		})
	}
}

// A read deadline of the handler that passes while an idle connection is about to be
// closed is a timeout.
func TestConnDeadlineInTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		var read error
		var took time.Duration
		handle := func(ctx context.Context, c net.Conn) error {
			<-serve.Closing(ctx)
			time.Sleep(2 * time.Second) // it is no new connection any more, which is looked at for longer
			c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			start := time.Now()
			_, read = c.Read(make([]byte, 10))
			took = time.Since(start)
			return nil
		}
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serve.Conns(ctx, l, 10, handle) })
			if _, err := l.dial(ctx, "", ""); err != nil {
				return err
			}
			serve.Drain(ctx, nil)
			return nil
		})
		var timeout net.Error
		if err != nil || !errors.As(read, &timeout) || !timeout.Timeout() || took != 50*time.Millisecond {
			t.Errorf("Run = %v, and the Read of the handler = %v after %v, want nil, and a timeout after 50ms", err, read, took)
		}
	})
}
