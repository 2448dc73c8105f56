package wait

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// A Selector is a workflow.Selector whose Select ends when its context is canceled. It may be
// used again and again, and in several scopes. NewSelector makes one; a Selector must not be
// copied.
type Selector struct {
	_     tree.NoCopy
	inner workflow.Selector
	added []workflow.Channel // Done channels that have a case
	again bool               // a case was taken that does not count
}

// NewSelector returns a selector without cases. It panics if ctx is nil.
func NewSelector(ctx workflow.Context) *Selector {
	check("NewSelector", ctx, false)
	return &Selector{inner: workflow.NewSelector(ctx)}
}

// AddReceive adds a case for a value from c: f is called with true, and must receive from c.
// When c has been closed and is empty, f is called once more, with false, and the case is gone.
// AddReceive returns s.
func (s *Selector) AddReceive(c workflow.ReceiveChannel, f func(c workflow.ReceiveChannel, more bool)) *Selector {
	closed := false
	s.inner.AddReceive(c, func(c workflow.ReceiveChannel, more bool) {
		if !more {
			// Of a channel that is closed while it waits, the SDK's selector leaves something
			// to be received that is no value, and takes the case a second time.
			c.ReceiveAsync(nil)
			if closed {
				s.again = true
				return
			}
			closed = true
		}
		f(c, more)
	})
	return s
}

// AddSend adds a case for sending v to c, after which f is called. It returns s.
func (s *Selector) AddSend(c workflow.SendChannel, v any, f func()) *Selector {
	s.inner.AddSend(c, v, f)
	return s
}

// AddFuture adds a case for the time when future is ready: f is called, once. It returns s.
func (s *Selector) AddFuture(future workflow.Future, f func(f workflow.Future)) *Selector {
	s.inner.AddFuture(future, f)
	return s
}

// AddDefault adds a case that is taken if no other is ready: Select does not block then.
func (s *Selector) AddDefault(f func()) { s.inner.AddDefault(f) }

// Select waits until a case is ready and takes it; of several that are ready, the one that was
// added first. If ctx is canceled, or is canceled before a case is ready, Select takes none and
// returns the cause of ctx.
func (s *Selector) Select(ctx workflow.Context) error {
	check("Select", ctx, false)
	for {
		if cause := cancelscope.Cause(ctx); cause != nil {
			return cause
		}
		if done := ctx.Done(); done != nil && !slices.Contains(s.added, done) {
			s.added = append(s.added, done)
			onDone(ctx, s.inner, func() { s.again = true })
		}
		s.again = false
		s.inner.Select(ctx)
		if !s.again {
			return nil
		}
		// Canceled; or the case of a scope that has ended, or of a channel whose closing f has
		// seen, was still there, and is gone now.
	}
}
