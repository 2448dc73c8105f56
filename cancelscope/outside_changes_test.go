package cancelscope_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A switched context is whatever context it holds at the moment, as those of some web
// frameworks, whose request may be replaced.
type switched struct {
	now atomic.Pointer[context.Context]
}

func (s *switched) set(ctx context.Context)     { s.now.Store(&ctx) }
func (s *switched) Deadline() (time.Time, bool) { return (*s.now.Load()).Deadline() }
func (s *switched) Done() <-chan struct{}       { return (*s.now.Load()).Done() }
func (s *switched) Err() error                  { return (*s.now.Load()).Err() }
func (s *switched) Value(key any) any           { return (*s.now.Load()).Value(key) }

// TestOutsideChangesItsParent has a context outside delegate to another one after Done was
// asked for inside. The end of the new one is noticed by a caller of Err, in the scope and
// in one inside, and nothing waits for the old one.
func TestOutsideChangesItsParent(t *testing.T) {
	for name, cancelable := range map[string]bool{"background": false, "cancelable": true} {
		for _, inner := range []bool{false, true} {
			bubbletest.Run(t, name, func(t *testing.T) {
				var outside switched
				outside.set(context.Background())
				if cancelable {
					alive, cancel := context.WithCancel(context.Background())
					defer cancel()
					outside.set(alive)
				}
				expired, cancel := context.WithTimeout(context.Background(), 0)
				defer cancel()
				block := func(ctx context.Context) error {
					done := ctx.Done()
					outside.set(expired)
					if err := ctx.Err(); err == nil {
						t.Error("Err() = nil when the context outside is done")
					}
					<-done
					return ctx.Err()
				}
				if inner {
					direct := block
					block = func(ctx context.Context) error { return new(cancelscope.Scope).Run(ctx, direct) }
				}
				var s cancelscope.Scope
				if err := s.Run(&outside, block); err == nil {
					t.Error("Run(…) = nil, want the cancellation from outside")
				}
				if c, ok := s.Cause().(*cancelscope.Canceled); !ok || c.Kind() != cancelscope.ByParent {
					t.Errorf("Cause() = %v, want one of kind ByParent", s.Cause())
				}
			})
		}
	}
}

// A curious error wants to know whether a scope is locked when its methods are called.
type curious struct {
	scope *cancelscope.Scope
	t     *testing.T
}

func (curious) Error() string { return "curious" }

func (c curious) Is(error) bool {
	if cancelscope.Locked(c.scope) {
		c.t.Error("Is of an error of the user's called under a lock")
	}
	return false
}

// A refusing context is done from the start, with an Err of its own.
type refusing struct {
	context.Context
	err  error
	done chan struct{}
}

func (r refusing) Done() <-chan struct{} { return r.done }
func (r refusing) Err() error            { return r.err }

// TestErrOfOutsideIsUsersOwn derives a standard context from one whose Err is an error of
// the user's. No lock of the scope is held when its Is is called.
func TestErrOfOutsideIsUsersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s cancelscope.Scope
		strange := refusing{context.Background(), curious{&s, t}, make(chan struct{})}
		outside, cancel := context.WithCancelCause(strange)
		defer cancel(nil)
		err := s.Run(outside, func(ctx context.Context) error {
			done := ctx.Done()
			close(strange.done) // the library passes the Err of strange on
			<-done
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run(…) = %v, want context.Canceled", err)
		}
	})
}

// A mirror answers every key with itself, which is no context of the standard library.
type mirror struct {
	context.Context
	locked func() bool
	t      *testing.T
}

func (m *mirror) Value(any) any { return m }

func (m *mirror) Done() <-chan struct{} {
	if m.locked() {
		m.t.Error("Done of a context of the user's called under a lock")
	}
	return m.Context.Done()
}

// TestOutsideAnswersEveryKey runs a scope in a context that passes itself off as one of
// the standard library's.
func TestOutsideAnswersEveryKey(t *testing.T) {
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	var s cancelscope.Scope
	outside := &mirror{parent, func() bool { return cancelscope.Locked(&s) }, t}
	_ = s.Run(outside, func(ctx context.Context) error {
		done := ctx.Done()
		cancel()
		<-done
		return ctx.Err()
	})
	if c, ok := s.Cause().(*cancelscope.Canceled); !ok || c.Kind() != cancelscope.ByParent {
		t.Errorf("Cause() = %v, want one of kind ByParent", s.Cause())
	}
}

// TestShieldBetweenTwoDeadlines raises the shield of an adjustable scope between one with
// an early deadline and one with a later deadline, whose Done has been asked for.
func TestShieldBetweenTwoDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var early, between, later cancelscope.Scope
		early.SetTimeout(1 * time.Second)
		between.Adjustable = true
		later.SetTimeout(2 * time.Second)
		err := early.Run(context.Background(), func(ctx context.Context) error {
			return between.Run(ctx, func(ctx context.Context) error {
				return later.Run(ctx, func(ctx context.Context) error {
					done := ctx.Done()
					between.SetShield(true)
					<-done
					return ctx.Err()
				})
			})
		})
		if took := time.Since(begin); err != nil || took != 2*time.Second || !later.CanceledCaught() {
			t.Errorf("Run(…) = %v after %v, caught %v; want nil after 2s, caught", err, took, later.CanceledCaught())
		}
	})
}
