package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"testing"
	"weak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A ballast is something large that a cancellation must not keep alive. It is too
// large for the allocator to put it beside other values.
type ballast [1 << 16]byte

// checkCollected checks that the garbage collector takes away what the weak pointers
// point at while kept is in use.
func checkCollected(t *testing.T, kept any, gone map[string]func() bool) {
	t.Helper()
	for range 10 { // what has been on a stack just now may need another round
		runtime.GC()
		maps.DeleteFunc(gone, func(_ string, isGone func() bool) bool { return isGone() })
		if len(gone) == 0 {
			break
		}
	}
	for name := range gone {
		t.Errorf("%s is kept alive by %T %v", name, kept, kept)
	}
	runtime.KeepAlive(kept)
}

// collected returns a function that reports whether p has been collected.
func collected[T any](p *T) func() bool {
	w := weak.Make(p)
	return func() bool { return w.Value() == nil }
}

// withBallast returns a context with a value, and whether that has been collected.
func withBallast(ctx context.Context) (context.Context, func() bool) {
	type key struct{}
	value := new(ballast)
	return context.WithValue(ctx, key{}, value), collected(value)
}

// The scope and all that belongs to it may be collected while its cause is kept.
func TestCanceledPinsNoScopeAndNoContext(t *testing.T) {
	for name, cancel := range map[string]func(s *cancelscope.Scope, outside context.CancelFunc){
		"canceled by hand":    func(s *cancelscope.Scope, _ context.CancelFunc) { s.Cancel(errBoom) },
		"past its deadline":   func(s *cancelscope.Scope, _ context.CancelFunc) { s.SetTimeout(0) },
		"canceled from above": func(_ *cancelscope.Scope, outside context.CancelFunc) { outside() },
	} {
		for _, looked := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				kept, gone := canceledWithBallast(t, cancel, looked)
				checkCollected(t, kept, gone)
			})
		}
	}
}

// canceledWithBallast returns the cause of a scope between others that has ended, and
// of what was around whether it has been collected.
func canceledWithBallast(t *testing.T, cancel func(*cancelscope.Scope, context.CancelFunc), looked bool) (kept []error, gone map[string]func() bool) {
	outer, s := new(cancelscope.Scope), &cancelscope.Scope{Name: "s"}
	gone = map[string]func() bool{"the outer scope": collected(outer), "the scope": collected(s)}
	ctx, outside := context.WithCancel(t.Context())
	defer outside()
	ctx, gone["a value outside"] = withBallast(ctx)
	err := outer.Run(ctx, func(ctx context.Context) error {
		ctx, gone["a value between"] = withBallast(ctx)
		return s.Run(ctx, func(ctx context.Context) error {
			ctx, gone["a value inside"] = withBallast(ctx)
			if looked {
				ctx.Done()
				derived, stop := context.WithCancel(ctx)
				defer stop()
				kept = append(kept, context.Cause(derived))
			}
			cancel(s, outside)
			kept = append(kept, context.Cause(ctx), ctx.Err())
			return errors.Join(ctx.Err(), context.Cause(ctx), errBang)
		})
	})
	if !errors.Is(err, errBang) {
		t.Errorf("Run = %v, want %v in it", err, errBang)
	}
	return append(kept, s.Cause()), gone
}

// A ballastError is a failure that is large.
type ballastError ballast

func (e *ballastError) Error() string { return "large" }

// The cause in a nursery keeps the failure that canceled it, and no other failure, no
// result of a task, and no context.
func TestCanceledPinsOneFailureOnly(t *testing.T) {
	gone, kept, first := failedWithBallast(t)
	checkCollected(t, kept, gone)
	if !errors.Is(kept, first) {
		t.Errorf("errors.Is does not find the first failure in %v", kept)
	}
}

func failedWithBallast(t *testing.T) (gone map[string]func() bool, kept, first error) {
	gone = make(map[string]func() bool)
	first = errors.New("the first failure")
	var ctx context.Context
	ctx, gone["a value outside"] = withBallast(t.Context())
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		var inside context.Context
		inside, gone["a value inside"] = withBallast(ctx)
		result := nursery.Spawn(n, "result", func(context.Context) (*ballast, error) {
			b := new(ballast)
			gone["a result"] = collected(b)
			return b, nil
		})
		if _, err := result.Wait(ctx); err != nil {
			t.Errorf("Wait = %v, want a result", err)
		}
		failed := nursery.Spawn(n, "failed", func(context.Context) (int, error) { return 0, first })
		failed.Wait(ctx)
		<-inside.Done()
		kept = context.Cause(inside)
		later := &ballastError{}
		gone["a later failure"] = collected(later)
		return later
	})
	if !errors.Is(err, first) {
		t.Errorf("Run = %v, want %v in it", err, first)
	}
	return gone, kept, first
}

// The error of a Shield keeps nothing.
func TestTooSlowErrorPinsNothing(t *testing.T) {
	gone := make(map[string]func() bool)
	kept := func() error {
		var ctx context.Context
		ctx, gone["a value outside"] = withBallast(t.Context())
		return cancelscope.Shield(ctx, 0, func(ctx context.Context) error {
			ctx, gone["a value inside"] = withBallast(ctx)
			return untilDone(ctx)
		})
	}()
	bubbletest.CheckTooSlow(t, "Shield", kept, cancelscope.TooSlowError{Name: "shield", Deadline: kept.(*cancelscope.TooSlowError).Deadline})
	checkCollected(t, kept, gone)
}

// A program that is restarted again and again may give each round the end of the last
// one for its reason.
func TestRestartsPinNoChain(t *testing.T) {
	for name, reason := range map[string]func(last error) error{
		"bare":             func(last error) error { return last },
		"wrapped":          func(last error) error { return fmt.Errorf("restart: %w", last) },
		"joined":           func(last error) error { return errors.Join(errBang, last) },
		"wrapped twice":    func(last error) error { return fmt.Errorf("%w after %w", errBang, fmt.Errorf("end: %w", last)) },
		"as a task failed": func(last error) error { return &nursery.TaskError{Task: "serve", Err: last} },
		"as several did":   severalFailed,
		"in a disguise":    disguisedBy,
		"divided":          dividedBy,
		"as the limit was": func(last error) error {
			s := cancelscope.Scope{Reason: last}
			s.SetTimeout(0)
			return deadline.FailScope(context.Background(), &s, context.Context.Err).(*deadline.TooSlowError).Reason
		},
	} {
		for way, end := range map[string]func(s *cancelscope.Scope, reason error) context.Context{
			"by hand":       endByHand,
			"by a deadline": endByDeadline,
			"from outside":  endFromOutside,
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				gone, kept := restarted(t, reason, end)
				checkCollected(t, kept, gone)
				if n := len(kept.Error()); n > 10_000 {
					t.Errorf("the text of the last cause has %d bytes, want few: %.200s", n, kept.Error())
				}
			})
		}
	}
}

func endByHand(s *cancelscope.Scope, reason error) context.Context {
	s.Cancel(reason)
	return context.Background()
}

func endByDeadline(s *cancelscope.Scope, reason error) context.Context {
	s.Reason = reason
	s.SetTimeout(0)
	return context.Background()
}

func endFromOutside(_ *cancelscope.Scope, reason error) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	return ctx
}

// restarted runs many rounds, and returns the cause of the last one.
func restarted(t *testing.T, reason func(last error) error, end func(*cancelscope.Scope, error) context.Context) (gone map[string]func() bool, last error) {
	const rounds = 100
	gone = make(map[string]func() bool)
	start := &ballastError{}
	gone["the first reason"] = collected(start)
	last = error(start)
	for i := range rounds {
		s := cancelscope.Scope{Name: fmt.Sprint("round ", i)}
		why := last
		if i > 0 {
			why = reason(last)
		}
		s.Run(end(&s, why), func(ctx context.Context) error { return ctx.Err() })
		c, ok := s.Cause().(*cancelscope.Canceled)
		if !ok {
			t.Fatalf("round %d: Cause() = %v, want a *Canceled", i, s.Cause())
		}
		if i < rounds-1 {
			gone[fmt.Sprint("the cause of round ", i)] = collected(c)
		}
		last = c
	}
	return gone, last
}

// severalFailed returns the error of a nursery in which a task returned last.
func severalFailed(last error) error {
	return nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return last })
		return errBang
	})
}

// disguisedBy returns a disguised cancellation of a context whose cause is last.
func disguisedBy(last error) error {
	var s cancelscope.Scope
	s.Cancel(last)
	var err error
	s.Run(context.Background(), func(ctx context.Context) error {
		err = cancelscope.AsCancellation(ctx, errBang)
		return nil
	})
	return err
}

// dividedBy returns an error from which the cancellation of a scope was removed, whose
// reason was last.
func dividedBy(last error) error {
	var s cancelscope.Scope
	s.Cancel(last)
	return s.Run(context.Background(), func(ctx context.Context) error {
		return &manyErrors{[]error{context.Cause(ctx), errBang}}
	})
}
