package serve_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// The phase "ended" begins when background tasks and functions given to Cleanup have
// ended as well.
func TestEndedIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events record
		p := serve.Program{Grace: time.Minute, Log: quiet, OnPhase: func(ctx context.Context, phase serve.Phase, reason error) {
			fmt.Fprintln(&events, phase)
		}}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Cleanup(ctx, func(ctx context.Context) error {
				time.Sleep(time.Second)
				fmt.Fprintln(&events, "cleaned up")
				return nil
			})
			n.Background("metrics", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				fmt.Fprintln(&events, "background ended")
				return nil
			})
			n.Go(func(ctx context.Context) error {
				<-serve.Closing(ctx)
				time.Sleep(time.Second)
				fmt.Fprintln(&events, "task ended")
				return nil
			})
			serve.Drain(ctx, nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		events.wantLines(t, "draining", "closing", "task ended", "background ended", "cleaned up", "ended")
	})
}

// The log says that a program lingers: its tasks may all be idle.
func TestLingeringIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		p := serve.Program{Linger: 4 * time.Second, Grace: time.Minute, Log: log.logger()}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("server", func(ctx context.Context) error {
				<-serve.Closing(ctx)
				time.Sleep(3 * time.Second)
				return nil
			})
			serve.Drain(ctx, nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		log.wantLines(t, "level=INFO msg=draining",
			"level=INFO msg=waiting since=3s lingering=true canceled=false",
			`level=INFO msg="accepting nothing new"`,
			"level=INFO msg=waiting since=6s canceled=false",
			"level=INFO msg=ended took=7s")
	})
}
