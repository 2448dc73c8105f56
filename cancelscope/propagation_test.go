package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// AwaitPropagation waits for the goroutine that cancels the scopes inside. Fail does not
// wait for it: here it would wait for ever.
func TestAwaitPropagation(t *testing.T) {
	// Both are adjustable, so that nothing else closes the channel: see bridge.go.
	s, inner := cancelscope.Scope{Adjustable: true}, cancelscope.Scope{Adjustable: true}
	s.Run(t.Context(), func(outer context.Context) error {
		return inner.Run(outer, func(ctx context.Context) error {
			done, closed := ctx.Done(), make(chan bool)
			var once sync.Once
			undo := cancelscope.OnPropagation(func() {
				once.Do(func() { propagating(outer, done, closed) })
			})
			defer undo()
			s.Cancel(nil)
			if !<-closed {
				t.Error("inside, after AwaitPropagation: Done is open, want it closed")
			}
			return nil
		})
	})
}

// CancelCalled does not report true before the scopes inside are canceled as well.
func TestCancelCalledAwaitsThePropagation(t *testing.T) {
	// Both are adjustable, so that nothing else closes the channel: see bridge.go.
	s, inner := cancelscope.Scope{Adjustable: true}, cancelscope.Scope{Adjustable: true}
	_ = s.Run(t.Context(), func(ctx context.Context) error {
		return inner.Run(ctx, func(ctx context.Context) error {
			done := ctx.Done()
			var once sync.Once
			var asked sync.WaitGroup
			undo := cancelscope.OnPropagation(func() {
				once.Do(func() {
					asked.Go(func() {
						if !s.CancelCalled() || !bubbletest.IsClosed(done) {
							t.Error("when CancelCalled has returned, Done is open inside, or it was false; want it closed, and true")
						}
					})
					for range 100 {
						runtime.Gosched() // it gets to the lock, or past it
					}
				})
			})
			defer undo()
			s.Cancel(nil)
			asked.Wait()
			return nil
		})
	})
}

// propagating is called while the outer scope is canceled and locked, and before the
// inner one, to which the channel done belongs, is canceled.
func propagating(outer context.Context, done <-chan struct{}, closed chan<- bool) {
	go func() {
		outer.(tree.Node).AwaitPropagation()
		closed <- bubbletest.IsClosed(done)
	}()
	failed := make(chan struct{})
	go func() {
		outer.(tree.Node).Fail(nil)
		close(failed)
	}()
	<-failed
	for range 100 {
		runtime.Gosched() // the first goroutine gets to the lock, or past it
	}
}

// A look that finds the scope around a standard context canceled, while another goroutine is
// about to close the bridge of that scope, does not miss it.
func TestLookWhileABridgeCloses(t *testing.T) {
	outer := &cancelscope.Scope{Adjustable: true}
	_ = outer.Run(t.Context(), func(ctx context.Context) error {
		standard, cancel := context.WithCancel(ctx)
		defer cancel()
		return new(cancelscope.Scope).Run(standard, func(ctx context.Context) error {
			looked := make(chan error)
			var once sync.Once
			undo := cancelscope.OnRelay(func() {
				once.Do(func() {
					go func() { looked <- ctx.Err() }()
					for range 100 {
						runtime.Gosched() // it gets to the lock, or past it
					}
				})
			})
			defer undo()
			outer.Cancel(nil)
			if err := <-looked; err != context.Canceled {
				t.Errorf("Err() inside, while the scope around is canceled = %v, want %v", err, context.Canceled)
			}
			return nil
		})
	})
}

// A scope that is entered when Done is closed around it is canceled from the beginning,
// although the cause is not stored yet.
func TestEnteredWhileTheScopeAroundCloses(t *testing.T) {
	outer := new(cancelscope.Scope)
	_ = outer.Run(t.Context(), func(ctx context.Context) error {
		done, looked := ctx.Done(), make(chan error, 1)
		var once sync.Once
		undo := cancelscope.OnClose(func() {
			once.Do(func() {
				if !bubbletest.IsClosed(done) {
					t.Error("Done is open, want it closed")
				}
				if err := ctx.Err(); err != context.Canceled {
					t.Errorf("Err() when Done is closed = %v, want %v", err, context.Canceled)
				}
				go func() {
					_ = new(cancelscope.Scope).Run(ctx, func(ctx context.Context) error {
						looked <- ctx.Err()
						return nil
					})
				}()
				for range 100 {
					runtime.Gosched() // it gets to the lock, or past it
				}
			})
		})
		defer undo()
		outer.Cancel(nil)
		if err := <-looked; err != context.Canceled {
			t.Errorf("Err() of the scope inside = %v, want %v", err, context.Canceled)
		}
		return nil
	})
}

// In a canceled scope no Done channel is seen open, whichever goroutine notices the
// cancellation first.
func TestDoneWhileTheCancellationIsNoticed(t *testing.T) {
	outer, s := new(cancelscope.Scope), &cancelscope.Scope{Adjustable: true}
	_ = outer.Run(t.Context(), func(ctx context.Context) error {
		outer.Cancel(nil)
		return s.Run(ctx, func(ctx context.Context) error {
			closed := make(chan bool)
			var once sync.Once
			undo := cancelscope.OnRelay(func() {
				once.Do(func() {
					go func() { closed <- bubbletest.IsClosed(ctx.Done()) }()
					for range 100 {
						runtime.Gosched() // it gets as far as it can
					}
				})
			})
			defer undo()
			ctx.Done()
			if !<-closed {
				t.Error("Done inside a canceled scope returns a channel that is open")
			}
			return nil
		})
	})
}

// A turning context is canceled when Err has returned nil once more.
type turning struct {
	context.Context
	cancel context.CancelFunc
	once   sync.Once
}

func (c *turning) Err() error {
	err := c.Context.Err()
	c.once.Do(c.cancel)
	return err
}

// When SetShield(false) has returned, a cancellation of the parent has reached the Done
// channel, also one that came while SetShield looked for it.
func TestShieldTakenDownWhileTheParentIsCanceled(t *testing.T) {
	standard, cancel := context.WithCancel(t.Context())
	s := &cancelscope.Scope{Adjustable: true}
	s.SetShield(true)
	_ = s.Run(&turning{Context: standard, cancel: cancel}, func(ctx context.Context) error {
		done := ctx.Done()
		s.SetShield(false)
		if standard.Err() == nil || !bubbletest.IsClosed(done) {
			t.Errorf("when SetShield(false) has returned, Err() of the parent = %v, and Done is closed: %v; want it canceled, true",
				standard.Err(), bubbletest.IsClosed(done))
		}
		return nil
	})
}

// Taking the shield down inside a canceled scope cancels, although another goroutine raises
// it again at once.
func TestShieldRaisedWhileItIsTakenDown(t *testing.T) {
	outer, s := new(cancelscope.Scope), &cancelscope.Scope{Adjustable: true}
	s.SetShield(true)
	_ = outer.Run(t.Context(), func(ctx context.Context) error {
		outer.Cancel(nil)
		return s.Run(ctx, func(ctx context.Context) error {
			undo := cancelscope.OnInherit(func() { cancelscope.RaiseShield(s) })
			defer undo()
			s.SetShield(false)
			if ctx.Err() == nil {
				t.Error("Err() = nil inside a canceled scope when SetShield(false) has returned")
			}
			return nil
		})
	})
}

// A look does not cancel through a shield that is raised meanwhile, by a SetShield that has
// looked for cancellations before there was one.
func TestShieldRaisedDuringALook(t *testing.T) {
	outer, s := new(cancelscope.Scope), &cancelscope.Scope{Adjustable: true}
	_ = outer.Run(t.Context(), func(ctx context.Context) error {
		outer.Cancel(nil)
		return s.Run(ctx, func(ctx context.Context) error {
			var once sync.Once
			undo := cancelscope.OnInherit(func() {
				once.Do(func() { cancelscope.RaiseShield(s) })
			})
			defer undo()
			if err := ctx.Err(); err != nil {
				t.Errorf("Err() = %v in a scope whose shield has been raised meanwhile, want nil", err)
			}
			return nil
		})
	})
}

// While a nursery is being canceled, no task that has a handle ends because of that, and
// OnError is not called: a second failure waits until the first has canceled everything.
func TestNurseryWaitsForThePropagation(t *testing.T) {
	var reported atomic.Int32
	config := nursery.Config{Adjustable: true, OnError: func(*nursery.TaskError) { reported.Add(1) }}
	_ = config.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		inner := cancelscope.Scope{Adjustable: true}
		inside, end := inner.Enter(ctx)
		defer end(new(error))
		inside.Done() // so that it is canceled from outside
		done := ctx.Done()
		task := n.Task("", func(context.Context) error {
			<-done
			return ctx.Err()
		})
		n.Go(func(context.Context) error {
			<-done
			return errors.New("second")
		})
		ended := make(chan struct{})
		go func() {
			task.Wait(context.Background())
			close(ended)
		}()

		release := cancelscope.Hold(&inner)
		n.Go(func(context.Context) error { return errors.New("first") })
		<-done
		for range 1000 {
			runtime.Gosched() // each gets as far as it can
		}
		if got := reported.Load(); got != 0 || bubbletest.IsClosed(ended) {
			t.Errorf("while the nursery is being canceled, OnError has been called %d times, and a canceled task has ended: %v; want 0, false",
				got, bubbletest.IsClosed(ended))
		}
		release()
		<-ended
		return nil
	})
	if got := reported.Load(); got != 2 {
		t.Errorf("OnError has been called %d times, want 2", got)
	}
}

// When CancelCalled reports true, the contexts of the scope and of those inside are done.
func TestStressCalled(t *testing.T) {
	stress.Run(t, 20, func(r *stress.Round) {
		for range 500 {
			var s, inner cancelscope.Scope
			s.Run(context.Background(), func(outer context.Context) error {
				return inner.Run(outer, func(ctx context.Context) error {
					ready := make(chan struct{})
					go func() {
						close(ready)
						runtime.Gosched()
						s.Cancel(nil)
					}()
					<-ready
					for n := 1; !s.CancelCalled(); n++ {
						if n%100 == 0 {
							runtime.Gosched() // there may be only one processor
						}
					}
					if outer.Err() == nil || ctx.Err() == nil {
						r.Errorf("when CancelCalled is true, Err() = %v, and inside %v", outer.Err(), ctx.Err())
					}
					return nil
				})
			})
		}
	})
}
