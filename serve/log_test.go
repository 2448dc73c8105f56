package serve_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A blocked is a log that writes nothing before it is released.
type blocked struct {
	slog.Handler
	release chan struct{}
}

func (b blocked) Handle(ctx context.Context, r slog.Record) error {
	<-b.release
	return b.Handler.Handle(ctx, r)
}

// A log that blocks delays neither the phases nor, by more than a second, the end. The
// lines for which there was no room are counted in the next one.
func TestBlockedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		log := blocked{lines.logger().Handler(), make(chan struct{})}
		start := time.Now()
		err := serve.Program{Grace: time.Hour, Log: slog.New(log)}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			if err := deadline.Sleep(ctx, 9*time.Minute+time.Second); err != nil {
				return err
			}
			close(log.release)
			return deadline.Sleep(ctx, 59*time.Second)
		})
		if took := time.Since(start); err != nil || took != 10*time.Minute {
			t.Errorf("Run with a log that blocks for nine minutes = %v after %v, want nil after 10m", err, took)
		}
		if got := lines.String(); !strings.Contains(got, "dropped=") || !strings.Contains(got, "since=9m57s") {
			t.Errorf("log:\n%s\nwant the last lines, and how many were dropped", got)
		}

		log.release = make(chan struct{})
		start = time.Now()
		err = serve.Program{Grace: time.Hour, Log: slog.New(log)}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return deadline.Sleep(ctx, 10*time.Minute)
		})
		if took := time.Since(start); err != nil || took != 10*time.Minute+time.Second {
			t.Errorf("Run with a log that blocks = %v after %v, want nil after 10m1s", err, took)
		}
		close(log.release) // or its goroutine would stay
	})
}
