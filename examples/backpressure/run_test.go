package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/internal/proctest"
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

// demo runs the program as it comes, with all its readers, until the log has all ends.
func demo(t *testing.T, patience time.Duration, ends ...string) {
	t.Helper()
	out, log := new(proctest.Text), new(proctest.Text)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	var program sync.WaitGroup
	program.Go(func() {
		err := backpressure.Run(ctx, patience, time.Hour, out, slog.New(slog.NewTextHandler(log, nil)), listen(t),
			backpressure.Dial, backpressure.Habits(300*time.Millisecond)...)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("backpressure = %v, want %v", err, context.Canceled)
		}
	})
	for _, end := range ends {
		log.Await(t, "reader="+end)
	}
	out.Await(t, "s  sleeper ")
	cancel()
	program.Wait()
}

func TestDemo(t *testing.T) {
	// With little patience: on a busy machine others may be cut off as well.
	demo(t, time.Second, `stopper end="cut off: silent`, `mute end="cut off: silent`)
	demo(t, time.Hour, `quitter end="closed with 1000"`, `vanisher end="broke off"`)
}

// At the end of its time the program says when each reader has ended.
func TestDemoEnds(t *testing.T) {
	out := new(proctest.Text)
	err := backpressure.Run(patient(t), time.Hour, 4*time.Second, out, slog.New(slog.DiscardHandler), listen(t),
		backpressure.Dial, backpressure.Habits(300*time.Millisecond)...)
	if err != nil {
		t.Errorf("backpressure = %v, want nil", err)
	}
	words := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"sleeper with deadline.Sleep", "blocker with time.Sleep", "fast with deadline.Sleep", "stopper with deadline.Sleep"} {
		if !strings.Contains(words, want) {
			t.Errorf("backpressure: no %q in\n%s", want, out)
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
	err := backpressure.Run(ctx, time.Hour, time.Hour, new(proctest.Text), slog.New(slog.DiscardHandler), listen(t),
		backpressure.Dial, backpressure.Habit{Name: "fast"})
	if !errors.Is(err, enough) {
		t.Errorf("backpressure under a context that is done = %v, want the cancellation", err)
	}
}
