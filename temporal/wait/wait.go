package wait

import (
	"io"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
)

// Get waits until f is ready, stores its value in what valuePtr points to, and returns its
// error, as f.Get does. valuePtr may be nil. If ctx is canceled and f is not ready, Get returns
// the cause of ctx.
//
// Get does not cancel what f stands for: that happens to what was started with ctx anyway.
func Get(ctx workflow.Context, f workflow.Future, valuePtr any) error {
	check("Get", ctx, f == nil)
	if f.IsReady() {
		return f.Get(ctx, valuePtr)
	}
	if cause := cancelscope.Cause(ctx); cause != nil {
		return cause
	}
	ready := false
	s := workflow.NewSelector(ctx)
	s.AddFuture(f, func(workflow.Future) { ready = true })
	onDone(ctx, s, func() {})
	s.Select(ctx)
	if ready {
		return f.Get(ctx, valuePtr)
	}
	return canceled(ctx)
}

// Receive waits for a value from c and stores it in what valuePtr points to, which may be nil.
// more is false if c has been closed and is empty. A value that cannot be stored there, such as
// that of a signal with a wrong argument, is logged and dropped, as c.Receive does. If ctx is
// canceled, Receive takes nothing from c and returns the cause of ctx.
func Receive(ctx workflow.Context, c workflow.ReceiveChannel, valuePtr any) (more bool, err error) {
	check("Receive", ctx, c == nil)
	for {
		if cause := cancelscope.Cause(ctx); cause != nil {
			return false, cause
		}
		received, closed, done := false, false, false
		s := workflow.NewSelector(ctx)
		s.AddReceive(c, func(c workflow.ReceiveChannel, more bool) {
			// c.Receive would wait for the next value here if this one cannot be stored, and
			// ctx would not end that. Of a channel that is closed meanwhile, a Selector leaves
			// something to be received that is no value.
			received, closed = c.ReceiveAsync(valuePtr), !more
		})
		onDone(ctx, s, func() { done = true })
		s.Select(ctx)
		switch {
		case done:
			return false, canceled(ctx)
		case closed:
			return false, nil
		case received:
			return true, nil
		}
	}
}

// Send waits until v has been sent to c. If ctx is canceled, Send sends nothing and returns
// the cause of ctx. It panics if c has been closed, as c.Send does.
func Send(ctx workflow.Context, c workflow.SendChannel, v any) error {
	check("Send", ctx, c == nil)
	if cause := cancelscope.Cause(ctx); cause != nil {
		return cause
	}
	sent := false
	s := workflow.NewSelector(ctx)
	s.AddSend(c, v, func() { sent = true })
	onDone(ctx, s, func() {})
	s.Select(ctx)
	if sent {
		return nil
	}
	return canceled(ctx)
}

// Until waits until condition reports true, as workflow.Await does. It is called whenever the
// workflow has made a step, and must not block. If ctx is canceled first, Until returns the
// cause of ctx.
func Until(ctx workflow.Context, condition func() bool) error {
	check("Until", ctx, condition == nil)
	if condition() {
		return nil
	}
	if cause := cancelscope.Cause(ctx); cause != nil {
		return cause
	}
	if err := workflow.Await(ctx, condition); err != nil {
		return canceled(ctx)
	}
	return nil
}

// From returns a function that receives the values of c, for nursery.ForEach and its
// relatives. It returns io.EOF when c has been closed and is empty, and the cause of its
// context when that is canceled.
func From[T any](c workflow.ReceiveChannel) func(ctx workflow.Context) (T, error) {
	if c == nil {
		panic("wait: From with a nil channel: there is nothing to receive from")
	}
	return func(ctx workflow.Context) (T, error) {
		var value T
		more, err := Receive(ctx, c, &value)
		if err == nil && !more {
			err = io.EOF
		}
		return value, err
	}
}

// onDone adds a case for the cancellation of ctx.
func onDone(ctx workflow.Context, s workflow.Selector, f func()) {
	if done := ctx.Done(); done != nil {
		s.AddReceive(done, func(c workflow.ReceiveChannel, _ bool) {
			c.ReceiveAsync(nil) // a Selector leaves something to be received, also in a closed channel
			f()
		})
	}
}

// canceled returns the cause of ctx, which has been canceled.
func canceled(ctx workflow.Context) error {
	if cause := cancelscope.Cause(ctx); cause != nil {
		return cause
	}
	return workflow.ErrCanceled
}

// check panics where a wait is misused.
func check(call string, ctx workflow.Context, missing bool) {
	switch {
	case ctx == nil:
		panic("wait: " + call + " with a nil context: pass the one of the workflow or task")
	case missing:
		panic("wait: " + call + " of nothing: it would wait for ever")
	}
}
