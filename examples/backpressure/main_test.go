package main_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/examples/internal/pipenet"
	"github.com/trellis-go/trellis/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Program(backpressure.Main)
	goleak.VerifyTestMain(m)
}

// patient returns a context for waiting for what should come soon. It only
// matters when something is broken.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A record is one line of the log.
type record struct {
	message string
	attrs   map[string]string
}

// A journal is a log that can be waited for.
type journal struct {
	slog.Handler // for what is not overridden
	records      chan record
}

func newJournal() *journal {
	return &journal{slog.DiscardHandler, make(chan record, 10_000)}
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	rec := record{r.Message, make(map[string]string)}
	r.Attrs(func(a slog.Attr) bool {
		rec.attrs[a.Key] = a.Value.String()
		return true
	})
	j.records <- rec
	return nil
}

// next waits for the next record with this message.
func (j *journal) next(t *testing.T, message string) record {
	t.Helper()
	ctx := patient(t)
	for {
		select {
		case rec := <-j.records:
			if rec.message == message {
				return rec
			}
		case <-ctx.Done():
			t.Fatalf("no log record %q", message)
		}
	}
}

// ended waits for the end of the next reader, and checks which one it is and how
// it has ended.
func (j *journal) ended(t *testing.T, name, end string) {
	t.Helper()
	got := j.next(t, "reader has ended").attrs
	if got["reader"] != name || !strings.HasPrefix(got["end"], end) {
		t.Errorf("reader %q ended as %q, want reader %q and %q", got["reader"], got["end"], name, end)
	}
}

// pipes is a network without buffers, for bubbles.
type pipes struct{ *pipenet.Listener }

func newPipes() pipes { return pipes{pipenet.Listen("127.0.0.1:1")} }

func (p pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	if err := p.Hand(ctx, pipeEnd{there}); err != nil {
		return nil, err
	}
	return pipeEnd{here}, nil
}

// A pipeEnd fails as a connection of a real network does.
type pipeEnd struct{ net.Conn }

func (p pipeEnd) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		err = &net.OpError{Op: "write", Net: "pipe", Err: syscall.EPIPE}
	}
	return n, err
}
