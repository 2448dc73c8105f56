package nursery

import (
	"context"

	"github.com/trellis-go/trellis/cancelscope"
)

// A Task is the handle of a task that has a result. It is what asyncio's create_task
// returns. [Spawn] and [StartTask] make them; a Task must not be copied, and its
// methods may be called by any number of goroutines.
type Task[T any] struct {
	who   who
	scope cancelscope.Scope
	done  chan struct{} // closed by finish
	value T             // written before done is closed
	err   error         // written before done is closed
}

// Spawn starts f as a task of the nursery, as [Nursery.Go] does, and returns its
// handle. The task runs in a cancel scope of its own, inside that of the nursery. An
// error of f is an error of the nursery, whether or not anybody waits for the task. The
// name appears in errors; a task without one ("") is named after its function.
//
// Spawn panics if n or f is nil, or if the nursery has closed.
func Spawn[T any](n *Nursery, name string, f func(ctx context.Context) (T, error)) *Task[T] {
	if n == nil {
		panic("nursery: Spawn into a nil nursery: pass the one that the task belongs to")
	}
	if f == nil {
		panic("nursery: Spawn with a nil function: there is nothing to run")
	}
	if !n.join() {
		panic("nursery: Spawn in a nursery that has closed: call it while the body or a task of the nursery runs")
	}
	t := &Task[T]{who: who{name, f}, done: make(chan struct{})}
	t.scope.Name = name
	go t.run(n, f)
	return t
}

// run is the goroutine of a spawned task.
func (t *Task[T]) run(n *Nursery, f func(ctx context.Context) (T, error)) {
	defer n.quit()
	var end ending
	defer func() { t.finish(end) }()
	returned := false
	defer func() {
		if !returned {
			end = n.broken(t.who, recover())
		}
	}()
	end.err = t.scope.Run(n.ctx, func(ctx context.Context) error {
		v, err := f(ctx)
		t.value = v
		return err
	})
	returned = true
	if end.err != nil {
		n.failed(t.who, end.err)
		n.told()
	}
}

// finish publishes the result of the task.
func (t *Task[T]) finish(end ending) {
	switch {
	case end.panicked != nil:
		t.err = end.panicked
	case end.exited:
		t.err = ErrGoexit
	case end.err != nil:
		t.err = end.err
	case t.scope.CanceledCaught():
		t.err = t.scope.Cause()
	}
	if t.err != nil {
		var none T
		t.value = none
	}
	close(t.done)
}

// Wait waits for the end of the task and returns its value, or its error. It may be
// called any number of times, also after the end and after the nursery has closed.
//
// The error is the one that the task returned, the same value, which the nursery
// reports as well; a [*PanicError] if it panicked; [ErrGoexit] if it called
// runtime.Goexit; and a [*cancelscope.Canceled] if it was canceled through
// [Task.Cancel] and ended because of that. That last one is, to the scopes of whoever
// waits, a real error like the others.
//
// If ctx is done, Wait returns its cause, whether or not the task has ended.
func (t *Task[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("nursery: Wait with a nil context: pass the context of the calling task")
	}
	if ctx.Err() == nil {
		select {
		case <-t.done:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	return t.value, t.err
}

// Result returns the value or the error of a task that has ended, as [Task.Wait] does,
// and [ErrNotFinished] if it has not. It does not block.
func (t *Task[T]) Result() (T, error) {
	select {
	case <-t.done:
		return t.value, t.err
	default:
		var none T
		return none, ErrNotFinished
	}
}

// Done returns a channel that is closed when the task has ended and its result can be
// had.
func (t *Task[T]) Done() <-chan struct{} { return t.done }

// Cancel cancels the task alone: its siblings and the nursery take no notice. A task
// that has not run yet runs to its first wait. The reason may be nil; only the first
// call counts. It does not wait for the task to end, and does nothing if it has.
func (t *Task[T]) Cancel(reason error) { t.scope.Cancel(reason) }

// Name returns the name of the task, which is that of its function if it was given
// none.
func (t *Task[T]) Name() string { return t.who.String() }
