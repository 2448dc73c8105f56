package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

// listen returns a listener of the program.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return backpressure.SmallBuffers(l)
}

// The program as it comes, with all its readers.
func TestDemo(t *testing.T) {
	stdout, stderr := proctest.NewText(), proctest.NewText()
	// With little patience: on a busy machine others may be cut off as well.
	err := backpressure.Run(patient(t), time.Second, 4*time.Second, stdout, slog.New(slog.NewTextHandler(stderr, nil)), listen(t),
		backpressure.Dial, backpressure.Habits(300*time.Millisecond)...)
	if err != nil {
		t.Errorf("backpressure = %v, want nil", err)
	}
	for _, end := range []string{`stopper end="cut off: silent`, `mute end="cut off: silent`, `quitter end="closed with 1000"`, `vanisher end="broke off"`} {
		if !strings.Contains(stderr.String(), "reader="+end) {
			t.Errorf("backpressure: no %s in the log:\n%s", end, stderr)
		}
	}
	for _, reader := range []string{"fast", "sleeper", "blocker", "quitter", "vanisher", "stopper", "mute"} {
		if !strings.Contains(stdout.String(), "s  "+reader+" ") {
			t.Errorf("backpressure: no line for reader %s in\n%s", reader, stdout)
		}
	}
	out := strings.Join(strings.Fields(stdout.String()), " ")
	for _, want := range []string{"sleeper with deadline.Sleep", "blocker with time.Sleep", "fast with deadline.Sleep"} {
		if !strings.Contains(out, want) {
			t.Errorf("backpressure: no %q in\n%s", want, stdout)
		}
	}
}

// A table goes to a file that has no room for it.
type full struct{ err error }

func (f full) Write([]byte) (int, error) { return 0, f.err }

func TestOutputFails(t *testing.T) {
	lost := errors.New("no space")
	err := backpressure.Run(patient(t), time.Hour, time.Hour, full{lost}, slog.New(slog.DiscardHandler), listen(t),
		backpressure.Dial, backpressure.Habit{Name: "fast"})
	if !errors.Is(err, lost) {
		t.Errorf("backpressure to a full disk = %v, want %v", err, lost)
	}
}

// A cancellation that is there from the start ends the program at once.
func TestCanceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := fmt.Errorf("enough")
	cancel(enough)
	err := backpressure.Run(ctx, time.Hour, time.Hour, proctest.NewText(), slog.New(slog.DiscardHandler), listen(t),
		backpressure.Dial, backpressure.Habit{Name: "fast"})
	if !errors.Is(err, enough) {
		t.Errorf("backpressure under a context that is done = %v, want the cancellation", err)
	}
}
