package serve_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

var errTest = errors.New("test")

// In a drain, work that is in progress keeps a context that is not done.
func TestDrainLeavesContextsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		start := time.Now()
		p := serve.Program{Grace: time.Minute, Log: log.logger()}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("work", func(ctx context.Context) error { return deadline.Sleep(ctx, 9*time.Second) })
			if err := deadline.Sleep(ctx, time.Second); err != nil {
				return err
			}
			serve.Drain(ctx, errTest)
			select {
			case <-serve.Draining(ctx):
			default:
				t.Error("Draining is open after Drain")
			}
			return nil
		})
		if took := time.Since(start); err != nil || took != 9*time.Second {
			t.Errorf("Run = %v after %v, want nil after 9s", err, took)
		}
		log.wantLines(t, `level=INFO msg=draining reason=test linger=0s grace=1m0s tasks=1`,
			`level=INFO msg=waiting since=3s`, `level=INFO msg=waiting since=6s`, `level=INFO msg=ended took=8s`)
	})
}

func TestGraceCutsWorkOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		start := time.Now()
		p := serve.Program{Grace: 2 * time.Second, Log: log.logger()}
		var cause error
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			err := deadline.Sleep(ctx, time.Hour)
			cause = context.Cause(ctx)
			return err
		})
		var cut, inCause *serve.CutError
		if !errors.As(err, &cut) || cut.Grace != 2*time.Second || cut.Signal != nil || serve.ExitCode(err) != 3 {
			t.Errorf("Run = %v (%T), exit code %d, want a CutError with a Grace of 2s, and 3", err, err, serve.ExitCode(err))
		}
		if !errors.As(cause, &inCause) || inCause != cut {
			t.Errorf("the cause of the context is %v, want the error of Run in it", cause)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("Run took %v, want 2s", took)
		}
		log.wantLines(t, `level=INFO msg=draining reason="drain requested"`, `level=WARN msg=canceling`, `level=INFO msg=ended took=2s`)
	})
}

// Linger comes before Grace, and new work is accepted meanwhile.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := serve.Program{Grace: 5 * time.Second, Linger: 3 * time.Second, Log: quiet}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-serve.Draining(ctx)
				if at := time.Since(start); at != 0 {
					t.Errorf("Draining after %v, want at once", at)
				}
				<-serve.Closing(ctx)
				if at := time.Since(start); at != 3*time.Second {
					t.Errorf("Closing after %v, want 3s", at)
				}
				return nil
			})
			n.Go(func(ctx context.Context) error {
				return serve.UntilDrain(ctx, func(accept, work context.Context) error {
					<-accept.Done()
					if at := time.Since(start); at != 3*time.Second || work.Err() != nil {
						t.Errorf("accept is canceled after %v, and work.Err is %v, want 3s and nil", at, work.Err())
					}
					return accept.Err()
				})
			})
			serve.Drain(ctx, nil)
			<-ctx.Done()
			if at := time.Since(start); at != 8*time.Second {
				t.Errorf("the context is done after %v, want 8s", at)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil: nothing was cut off", err)
		}
	})
}

// A drain is a request, so a shield does not hide it.
func TestDrainCrossesShields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve.Program{Grace: time.Minute, Log: quiet}
		err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return cancelscope.Shield(ctx, time.Hour, func(ctx context.Context) error {
					<-serve.Draining(ctx)
					return ctx.Err()
				})
			})
			serve.Drain(ctx, nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}
