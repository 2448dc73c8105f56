package serve_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// patience is how long tests wait for what must happen. It only matters where that does
// not happen.
const patience = time.Minute

type body = func(ctx context.Context, n *nursery.Nursery) error

// quiet is a logger that writes nothing.
var quiet = slog.New(slog.DiscardHandler)

// A record keeps log lines, without their times.
type record struct{ proctest.Text }

func (r *record) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}}))
}

// wantLines checks the log lines that begin with the given texts, in this order.
func (r *record) wantLines(t *testing.T, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.String(), "\n"), "\n")
	if r.String() == "" {
		lines = nil
	}
	ok := len(lines) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.HasPrefix(lines[i], want[i])
	}
	if !ok {
		t.Errorf("log:\n%s\nwant lines that begin with\n%s", r, strings.Join(want, "\n"))
	}
}

// listen returns a listener on the loopback.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // usually closed already
	return l
}

// start runs a function in a goroutine and returns what waits for its error.
func start(t *testing.T, f func() error) (wait func() error) {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- f() }()
	return func() error {
		t.Helper()
		select {
		case err := <-result:
			return err
		case <-time.After(patience):
			t.Fatal("it has not ended")
			return nil
		}
	}
}

// A program is a serve.Program that runs beside the test.
type program struct {
	ctx  context.Context // of the body
	wait func() error    // waits for its end
	end  context.CancelFunc

	ended chan struct{} // closed when Run has returned
}

// run runs a program, and returns when its body has been called.
func run(t *testing.T, p serve.Program, b body) *program {
	t.Helper()
	if p.Log == nil {
		p.Log = quiet
	}
	outer, cancel := context.WithCancel(context.Background())
	began, ended := make(chan context.Context, 1), make(chan struct{})
	wait := start(t, func() error {
		defer close(ended)
		return p.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
			began <- ctx
			return b(ctx, n)
		})
	})
	t.Cleanup(cancel)
	return &program{ctx: <-began, wait: wait, end: cancel, ended: ended}
}

// wantRunning checks that the program has not ended.
func (p *program) wantRunning(t *testing.T) {
	t.Helper()
	if bubbletest.IsClosed(p.ended) {
		t.Error("Run has returned already")
	}
}

// wantEnd checks the error of the program.
func (p *program) wantEnd(t *testing.T, want error) {
	t.Helper()
	if err := p.wait(); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("Run = %v, want %v", err, want)
	}
}

// await waits until a channel is closed.
func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it has not happened", what)
	}
}
