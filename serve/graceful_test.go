package serve_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A server is one with a shutdown of its own: shutdown lets it end after work, and stop
// ends it at once.
type server struct {
	work    time.Duration
	ended   chan struct{}
	stopped int
	drained int
}

func newServer(work time.Duration) *server {
	return &server{work: work, ended: make(chan struct{})}
}

func (s *server) run() error { <-s.ended; return http.ErrServerClosed }

func (s *server) drain(ctx context.Context) error {
	s.drained++
	select {
	case <-time.After(s.work):
		close(s.ended)
	case <-s.ended:
	}
	return nil
}

func (s *server) stop() {
	s.stopped++
	close(s.ended)
}

func TestGraceful(t *testing.T) {
	for name, tt := range map[string]struct {
		grace, work      time.Duration
		drained, stopped int
		code             int
		took             time.Duration
	}{
		"in time":  {time.Minute, 10 * time.Second, 1, 0, 0, 11 * time.Second},
		"too slow": {5 * time.Second, 10 * time.Second, 1, 1, 3, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(tt.work)
				start := time.Now()
				err := serve.Program{Grace: tt.grace, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { return serve.Graceful(ctx, s.run, s.drain, s.stop) })
					time.Sleep(time.Second)
					serve.Drain(ctx, nil)
					return nil
				})
				if took := time.Since(start); serve.ExitCode(err) != tt.code || took != tt.took || s.drained != tt.drained || s.stopped != tt.stopped {
					t.Errorf("Run = %v after %v, drain called %d times and stop %d times; want code %d, %v, %d and %d",
						err, took, s.drained, s.stopped, tt.code, tt.took, tt.drained, tt.stopped)
				}
			})
		})
	}
}

// Without a drain, a cancellation stops the server.
func TestGracefulCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(time.Hour)
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return serve.Graceful(ctx, s.run, s.drain, s.stop)
		})
		if !expired || err != nil || s.drained != 0 || s.stopped != 1 {
			t.Errorf("MoveOnAfter = %t, %v, drain called %d times and stop %d times; want true, nil, 0 and 1", expired, err, s.drained, s.stopped)
		}
	})
}

// Without stop, it is drain that ends the server, by its context.
func TestGracefulWithoutStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		shutdown := func(ctx context.Context) error {
			<-ctx.Done()
			close(ended)
			return ctx.Err()
		}
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			return serve.Graceful(ctx, func() error { <-ended; return nil }, shutdown, nil)
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter = %t, %v, want true and nil", expired, err)
		}
	})
}

// A server whose work has ended because it was canceled has not drained in good order, also
// if the work learns of it before Graceful does.
func TestGracefulCutOffInTheDrain(t *testing.T) {
	for range 20 { // what comes first is chance
		_ = serve.Program{Grace: time.Hour, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			ctx, cancel := context.WithCancel(ctx)
			for range 3000 { // so that to cancel all takes a while
				context.AfterFunc(ctx, func() {})
			}
			draining := make(chan struct{})
			n.Go(func(context.Context) error {
				run := func() error { <-ctx.Done(); return nil }
				drain := func(context.Context) error { close(draining); <-ctx.Done(); return nil }
				if err := serve.Graceful(ctx, run, drain, func() {}); err == nil {
					t.Error("Graceful = nil, want the cancellation that has ended the work")
				}
				return nil
			})
			serve.Drain(ctx, nil)
			<-draining
			cancel()
			return nil
		})
	}
}

// A run that fails is not stopped, although its failure cancels what is around it.
func TestGracefulFailsAtOnce(t *testing.T) {
	for range 2000 { // what Graceful sees first is chance
		stopped := false
		err := serve.Graceful(t.Context(), func() error { return errTest },
			func(context.Context) error { return nil }, func() { stopped = true })
		if err != errTest || stopped {
			t.Fatalf("Graceful = %v, stop called: %v; want the error of run, false", err, stopped)
		}
	}
}

// The errors of run and of drain are returned.
func TestGracefulFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noDrain := func(context.Context) error { t.Error("drain is called"); return nil }
		noStop := func() { t.Error("stop is called") }
		if err := serve.Graceful(t.Context(), func() error { return errTest }, noDrain, noStop); err != errTest {
			t.Errorf("Graceful = %v, want the error of run", err)
		}
		if err := serve.Graceful(t.Context(), func() error { return nil }, noDrain, noStop); err != nil {
			t.Errorf("Graceful = %v, want nil: run has returned by itself", err)
		}
		s := newServer(0)
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return serve.Graceful(ctx, s.run, func(context.Context) error { return errTest }, s.stop)
		})
		if !errors.Is(err, errTest) || s.stopped != 1 {
			t.Errorf("Run = %v, stop called %d times; want the error of drain, and 1", err, s.stopped)
		}
	})
}

// A server that begins the drain and ends is not drained. It cannot be excluded that drain is
// called while run returns, but that must be rare.
func TestGracefulEndsWithTheDrain(t *testing.T) {
	const rounds = 100
	drained := 0
	for range rounds {
		err := serve.Program{Grace: time.Minute, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			return serve.Graceful(ctx, func() error { serve.Drain(ctx, nil); return nil },
				func(context.Context) error { drained++; return nil }, nil)
		})
		if err != nil {
			t.Fatalf("Run = %v, want nil", err)
		}
	}
	if drained > rounds/2 {
		t.Errorf("drain is called %d times of %d after run has returned, want 0, or few", drained, rounds)
	}
}
